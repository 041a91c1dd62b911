cwlVersion: v1.2
class: CommandLineTool
label: Add the counts up
baseCommand: python3
inputs:
  script:
    type: File
    default: {class: File, location: add.py}
    inputBinding: {position: 1}
  participants: {type: File, inputBinding: {position: 2}}
  counts: {type: "File[]", inputBinding: {position: 3}}
outputs:
  table: {type: File, outputBinding: {glob: table.tsv}}
  total: {type: File, outputBinding: {glob: total.json}}
