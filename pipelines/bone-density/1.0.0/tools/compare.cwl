cwlVersion: v1.2
class: CommandLineTool
label: Compare the groups and write the report's content
baseCommand: [python3]
inputs:
  script:
    type: File
    default:
      class: File
      location: compare.py
      secondaryFiles:
        - {class: File, location: figures.py}
        - {class: File, location: groups.py}
        - {class: File, location: images.py}
        - {class: File, location: numbering.py}
        - {class: File, location: reporting.py}
    inputBinding: {position: 0}
  participants:
    type: File
    inputBinding: {position: 1, prefix: --participants}
  measured:
    type: File[]
    inputBinding: {position: 2, prefix: --measured}
  overlays:
    type: File[]
    inputBinding: {position: 3, prefix: --overlays}
outputs:
  measurements:
    type: File
    outputBinding: {glob: measurements.json}
  table:
    type: File
    outputBinding: {glob: measurements.tsv}
  group:
    type: File
    outputBinding: {glob: group.json}
  report:
    type: File
    outputBinding: {glob: report.json}
  figures:
    type: File[]
    outputBinding: {glob: "figure-*.png"}
