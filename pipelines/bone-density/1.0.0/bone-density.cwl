cwlVersion: v1.2
class: Workflow
label: Bone density of vertebral bodies from abdominal CT
requirements:
  ScatterFeatureRequirement: {}
inputs:
  images:
    type: File[]
    doc: CT scans (NIfTI, Hounsfield units) with BIDS names.
  participants:
    type: File
    doc: participants.tsv with participant_id, age, sex and group; osteoporotic and control are compared.
  cortex_mm:
    type: double
    default: 5.0
    doc: Distance of the trabecular region from the body's outer side.
  end_plate_mm:
    type: double
    default: 4.0
    doc: Distance of the trabecular region from the end plates, beyond half a slice.
  most_noise_hu:
    type: double
    default: 90.0
    doc: A greater standard deviation makes a body not measurable.
  most_slice_mm:
    type: double
    default: 5.5
    doc: A greater distance between slices makes a scan not measurable.
outputs:
  measurements:
    type: File
    doc: A list of participant, session, image, level, mean_hu, sd_hu, volume_mm3, quality, reason.
    outputSource: compare/measurements
  table:
    type: File
    doc: The same as a table.
    outputSource: compare/table
  group:
    type: File
    doc: The comparison of the groups with its confidence intervals.
    outputSource: compare/group
  report:
    type: File
    doc: The report's words, tables and figures.
    outputSource: compare/report
  figures:
    type: File[]
    outputSource: compare/figures
  labels:
    type: File[]
    doc: Segmented vertebral bodies, numbered as in VerSe (T12 is 19, L1 is 20); from 101 on without a name.
    outputSource: segment/labels
  overlays:
    type: File[]
    doc: The segmentation drawn over the scan.
    outputSource: segment/overlay
steps:
  segment:
    run: tools/segment.cwl
    scatter: image
    in:
      image: images
    out: [labels, landmarks, overlay]
  measure:
    run: tools/measure.cwl
    scatter: [image, labels, landmarks]
    scatterMethod: dotproduct
    in:
      image: images
      labels: segment/labels
      landmarks: segment/landmarks
      cortex_mm: cortex_mm
      end_plate_mm: end_plate_mm
      most_noise_hu: most_noise_hu
      most_slice_mm: most_slice_mm
    out: [measured]
  compare:
    run: tools/compare.cwl
    in:
      participants: participants
      measured: measure/measured
      overlays: segment/overlay
    out: [measurements, table, group, report, figures]
