cwlVersion: v1.2
class: CommandLineTool
label: Find the spine, name the levels, segment the vertebral bodies
baseCommand: [python3]
inputs:
  script:
    type: File
    default:
      class: File
      location: segment.py
      secondaryFiles:
        - {class: File, location: bodies.py}
        - {class: File, location: canal.py}
        - {class: File, location: images.py}
        - {class: File, location: landmarks.py}
        - {class: File, location: numbering.py}
        - {class: File, location: overlay.py}
        - {class: File, location: straight.py}
    inputBinding: {position: 0}
  image:
    type: File
    inputBinding: {position: 1}
outputs:
  labels:
    type: File
    outputBinding: {glob: "*_labels.nii.gz"}
  landmarks:
    type: File
    outputBinding: {glob: "*_landmarks.json"}
  overlay:
    type: File
    outputBinding: {glob: "*_overlay.png"}
