cwlVersion: v1.2
class: CommandLineTool
label: Count the words of one text
baseCommand: python3
inputs:
  script:
    type: File
    default: {class: File, location: count.py}
    inputBinding: {position: 1}
  text: {type: File, inputBinding: {position: 2}}
  least: {type: int, inputBinding: {position: 3}}
outputs:
  words: {type: File, outputBinding: {glob: words.json}}
