cwlVersion: v1.2
class: CommandLineTool
label: Measure the spongy bone of each vertebral body
baseCommand: [python3]
inputs:
  script:
    type: File
    default:
      class: File
      location: measure.py
      secondaryFiles:
        - {class: File, location: images.py}
    inputBinding: {position: 0}
  image:
    type: File
    inputBinding: {position: 1}
  labels:
    type: File
    inputBinding: {position: 2}
  landmarks:
    type: File
    inputBinding: {position: 3}
  cortex_mm:
    type: double
    inputBinding: {position: 4, prefix: --cortex-mm}
  end_plate_mm:
    type: double
    inputBinding: {position: 4, prefix: --end-plate-mm}
  most_noise_hu:
    type: double
    inputBinding: {position: 4, prefix: --most-noise-hu}
  most_slice_mm:
    type: double
    inputBinding: {position: 4, prefix: --most-slice-mm}
outputs:
  measured:
    type: File
    outputBinding: {glob: "*_measured.json"}
