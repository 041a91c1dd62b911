cwlVersion: v1.2
class: Workflow
label: Count the words of each text, and add them up
requirements:
  ScatterFeatureRequirement: {}
inputs:
  texts: File[]
  participants: File
  least: int
steps:
  add:
    run: tools/add.cwl
    in: {counts: count/words, participants: participants}
    out: [table, total]
  count:
    run: tools/count.cwl
    scatter: text
    in: {text: texts, least: least}
    out: [words]
outputs:
  table: {type: File, outputSource: add/table}
  counts: {type: "File[]", outputSource: count/words}
