BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE appliance (
	id VARCHAR(80) NOT NULL, 
	application VARCHAR(64) NOT NULL, 
	volume VARCHAR(80) NOT NULL, 
	site VARCHAR(64) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	document TEXT NOT NULL, 
	document_digest VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(application) REFERENCES application (id), 
	FOREIGN KEY(volume) REFERENCES volume (id)
);
INSERT INTO "appliance" VALUES('bone-density-a1','bone-density','bone-density-v1','local','deployed','tosca_definitions_version: tosca_simple_yaml_1_3
metadata:
  template_name: bone-density
  template_author: voxpop
  environment: bone-density
description: Virtual appliance of the application bone-density.
relationship_types:
  voxpop.relationships.Mounts:
    derived_from: tosca.relationships.AttachesTo
    description: A volume that a machine sees at a location, with or without the right to write.
    properties:
      read_only:
        type: boolean
        required: true
node_types:
  voxpop.nodes.FrontEnd:
    derived_from: tosca.nodes.Compute
    description: A small machine for the portal and the queue, beside the cores and the memory that were asked for.
  voxpop.nodes.Worker:
    derived_from: tosca.nodes.Compute
    description: The machine, or the machines together, that jobs run on.
    properties:
      gpus:
        type: integer
        required: true
        constraints:
          - greater_or_equal: 0
    requirements:
      - data:
          capability: tosca.capabilities.Attachment
          node: voxpop.nodes.DataVolume
          relationship: voxpop.relationships.Mounts
          occurrences:
            - 1
            - 1
      - results:
          capability: tosca.capabilities.Attachment
          node: voxpop.nodes.ResultsVolume
          relationship: voxpop.relationships.Mounts
          occurrences:
            - 1
            - 1
  voxpop.nodes.DataVolume:
    derived_from: tosca.nodes.Root
    description: The sealed volume of de-identified images, known by its manifest''s SHA-256; nobody writes to it.
    properties:
      sha256:
        type: string
        required: true
        constraints:
          - pattern: ''[0-9a-f]{64}''
    capabilities:
      attachment:
        type: tosca.capabilities.Attachment
  voxpop.nodes.ResultsVolume:
    derived_from: tosca.nodes.BlockStorage
    description: Where runs write what they find; it stays when the appliance is removed.
  voxpop.nodes.Software:
    derived_from: tosca.nodes.SoftwareComponent
    description: Software that a recipe installs.
    properties:
      recipe:
        type: string
        required: true
      programs:
        type: list
        entry_schema:
          type: string
        required: true
      python_modules:
        type: list
        entry_schema:
          type: string
        required: true
  voxpop.nodes.Tool:
    derived_from: voxpop.nodes.Software
    description: Programs and libraries that pipelines call.
  voxpop.nodes.BatchQueue:
    derived_from: voxpop.nodes.Software
    description: A queue that hands jobs to workers.
  voxpop.nodes.Portal:
    derived_from: voxpop.nodes.Software
    description: Pages on which the project''s members see its volumes, runs and results.
  voxpop.nodes.Pipeline:
    derived_from: tosca.nodes.SoftwareComponent
    description: A pipeline that the appliance must be able to run.
    properties:
      pipeline:
        type: string
        required: true
policy_types:
  voxpop.policies.Lifetime:
    derived_from: tosca.policies.Root
    description: How long the appliance is granted, counted from its deployment.
    properties:
      days:
        type: integer
        required: true
        constraints:
          - greater_or_equal: 1
topology_template:
  node_templates:
    front_end:
      type: voxpop.nodes.FrontEnd
    worker_node:
      type: voxpop.nodes.Worker
      properties:
        gpus: 1
      capabilities:
        host:
          properties:
            num_cpus: 16
            mem_size: 32 GB
      requirements:
        - data:
            node: data_volume
            relationship:
              type: voxpop.relationships.Mounts
              properties:
                location: /data
                read_only: true
        - results:
            node: results_volume
            relationship:
              type: voxpop.relationships.Mounts
              properties:
                location: /results
                read_only: false
    data_volume:
      type: voxpop.nodes.DataVolume
      properties:
        sha256: ''937591de4117e16ee7c9ff8f2ca2aa3d88860af14da55f275510866a98ba68b7''
    results_volume:
      type: voxpop.nodes.ResultsVolume
      properties:
        size: 50 GB
    portal:
      type: voxpop.nodes.Portal
      properties:
        recipe: portal
        component_version: ''1.0.0''
        programs: []
        python_modules: []
      requirements:
        - host: front_end
    htcondor:
      type: voxpop.nodes.BatchQueue
      properties:
        recipe: htcondor
        component_version: ''1.0.0''
        programs:
          - condor_submit
        python_modules: []
      requirements:
        - host: front_end
    octave:
      type: voxpop.nodes.Tool
      properties:
        recipe: octave
        component_version: ''1.0.0''
        programs:
          - octave-cli
        python_modules: []
      requirements:
        - host: worker_node
    python-imaging:
      type: voxpop.nodes.Tool
      properties:
        recipe: python-imaging
        component_version: ''1.0.0''
        programs: []
        python_modules:
          - numpy
          - scipy
          - nibabel
          - statsmodels
          - matplotlib
      requirements:
        - host: worker_node
    caffe-models:
      type: voxpop.nodes.Tool
      properties:
        recipe: caffe-models
        component_version: ''1.0.0''
        programs: []
        python_modules:
          - cv2
      requirements:
        - host: worker_node
    analysis_pipeline:
      type: voxpop.nodes.Pipeline
      properties:
        pipeline: bone-density/1.0.0
      requirements:
        - host: worker_node
  policies:
    - lifetime:
        type: voxpop.policies.Lifetime
        targets:
          - worker_node
        properties:
          days: 90
  outputs:
    cores:
      description: Cores that jobs may use.
      value:
        get_property:
          - worker_node
          - host
          - num_cpus
    memory:
      description: Memory that jobs may use.
      value:
        get_property:
          - worker_node
          - host
          - mem_size
    data:
      description: SHA-256 of the manifest of the volume that jobs read.
      value:
        get_property:
          - data_volume
          - sha256
','ecab0430b9fca5fb2a30bb9d24938c63955a56ea4aee88350b7bc548307ca56c','2026-11-26 16:04:15.986259');
CREATE TABLE application (
	id VARCHAR(64) NOT NULL, 
	document TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	written_by VARCHAR(200) NOT NULL, 
	written_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "application" VALUES('bone-density','# An application to a voxpop site: what a project asks for, and why.
# Check it with `voxpop application check FILE`, hand it in with `voxpop application submit FILE`.

name: bone-density # the project''s id: lower-case words joined by hyphens
title: Trabecular bone density from abdominal CT

investigators: # none of them may decide about this application
  - name: Ada Ferrer
    email: ada.ferrer@example.org
    institution: Example University
    role: principal investigator

purpose: >-
  Abdominal CT scans are taken for many reasons and show the lumbar spine in passing. We want to know how well the
  mean Hounsfield units of trabecular bone, measured vertebra by vertebra on such scans, tell patients with diagnosed
  osteoporosis from controls, with age and sex taken into account.

ethics:
  reference: EXAMPLE-2026-014 # the ethics committee''s number for this project

data:
  modality: CT
  body_parts: [ABDOMEN]
  # dates: {from: 2019-01-01, until: 2025-12-31} # days of the studies, both included; left out: all
  # age: {min: 40, max: 95} # whole years at the study, both included; left out: all
  # sex: [F, M] # left out: all
  groups: # a participant is in the first group that fits
    - name: osteoporotic
      icd10: {any: [M80, M81]} # a category takes all its codes
    - name: control
      icd10: {none: [M80, M81, M82]}
    - name: n/a
      without_clinical_record: true # images of people whom the clinical source does not know
  clinical_fields: [age, sex, weight, height, icd10]
  icd10_codes: 3 # at most, for each participant
  formats: [nifti]

software: [portal, htcondor, octave, python-imaging, caffe-models]
pipeline: bone-density/1.0.0 # run first; others can follow

compute: # a site lists what it cannot give
  cores: 16
  memory_gb: 32
  gpus: 1
  storage_gb: 50
  days: 90
','24ffce55933c36cf116a0ae562889e11a0982820871d6bfee3ed4c0b514df6dc','active','Ada Example','2026-11-26 16:04:13.578163');
CREATE TABLE archive (
	name VARCHAR(64) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	settings JSON NOT NULL, 
	harvested_at DATETIME, 
	studies INTEGER NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "archive" VALUES('pacs','dicomweb','{"url": "https://pacs.example/dicom-web"}',NULL,0);
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	at VARCHAR(40) NOT NULL, 
	action VARCHAR(80) NOT NULL, 
	subject VARCHAR(200) NOT NULL, 
	actor VARCHAR(200) NOT NULL, 
	reason TEXT NOT NULL, 
	facts TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "audit" VALUES(1,'2026-11-26T16:04:13.575150+00:00','application.drafted','application:bone-density','Ada Example','','{"document_sha256":"24ffce55933c36cf116a0ae562889e11a0982820871d6bfee3ed4c0b514df6dc"}','0000000000000000000000000000000000000000000000000000000000000000','bf1d34d92a8a6bf6aa6e4e6fccb2edc1c7137857d8a7517488762b2ea4ff9c3f');
INSERT INTO "audit" VALUES(2,'2026-11-26T16:04:13.674208+00:00','application.submitted','application:bone-density','Ada Example','','{"document_sha256":"24ffce55933c36cf116a0ae562889e11a0982820871d6bfee3ed4c0b514df6dc"}','bf1d34d92a8a6bf6aa6e4e6fccb2edc1c7137857d8a7517488762b2ea4ff9c3f','178d5bf18b81b59747dd272ea555cd55e37c38ec95200d8b9df349f79a971220');
INSERT INTO "audit" VALUES(3,'2026-11-26T16:04:14.312069+00:00','application.in-review','application:bone-density','Carmen Example','','{"document_sha256":"24ffce55933c36cf116a0ae562889e11a0982820871d6bfee3ed4c0b514df6dc"}','178d5bf18b81b59747dd272ea555cd55e37c38ec95200d8b9df349f79a971220','2878e0dbc77656f753fcaddf9f74421ef96022d9481ac7c9e028a0785116823f');
INSERT INTO "audit" VALUES(4,'2026-11-26T16:04:15.147666+00:00','application.approved','application:bone-density','Carmen Example','sound','{"document_sha256":"24ffce55933c36cf116a0ae562889e11a0982820871d6bfee3ed4c0b514df6dc"}','2878e0dbc77656f753fcaddf9f74421ef96022d9481ac7c9e028a0785116823f','8237458e11aac0671a764b25a9065d1944e7ce89b10b6460b477b438095c4fd5');
INSERT INTO "audit" VALUES(5,'2026-11-26T16:04:15.220189+00:00','cohort.frozen','cohort:bone-density-c1','tester','','{"application":"bone-density","index_sha256":"0000000000000000000000000000000000000000000000000000000000000000","list_sha256":"4835bfc52ba0d70a5d9014bb0681e9a5e783b0914d33eabbe001fef5aec109d3","not_selected":0,"selected":2}','8237458e11aac0671a764b25a9065d1944e7ce89b10b6460b477b438095c4fd5','165f0d0f43b7e262177d92892fbf53464db350d10989acda47ea735fbc06091c');
INSERT INTO "audit" VALUES(6,'2026-11-26T16:04:15.371265+00:00','volume.begun','volume:bone-density-v1','tester','','{"application":"bone-density","cohort":"bone-density-c1"}','165f0d0f43b7e262177d92892fbf53464db350d10989acda47ea735fbc06091c','7ec4a2ef83d6329efc03cd3d1f0eecd8f770c5ce446381b7a5e10a5790a97494');
INSERT INTO "audit" VALUES(7,'2026-11-26T16:04:15.580919+00:00','volume.sealed','volume:bone-density-v1','tester','','{"bytes":28,"files":1,"manifest_sha256":"937591de4117e16ee7c9ff8f2ca2aa3d88860af14da55f275510866a98ba68b7"}','7ec4a2ef83d6329efc03cd3d1f0eecd8f770c5ce446381b7a5e10a5790a97494','7dc9cebb3b6583d6af36f2a83f4929ba5ce8a408d226c212b0d8f7f033671889');
INSERT INTO "audit" VALUES(8,'2026-11-26T16:04:15.590221+00:00','volume.granted','volume:bone-density-v1','tester','','{"person":"Mia Example","until":"2099-01-01"}','7dc9cebb3b6583d6af36f2a83f4929ba5ce8a408d226c212b0d8f7f033671889','dcc2a9e21c71a0eb6dda00c600fa1925a33d6e317c53eee43e3f47d9edc9a63d');
INSERT INTO "audit" VALUES(9,'2026-11-26T16:04:15.987691+00:00','appliance.planned','appliance:bone-density-a1','voxpop','','{"document_sha256":"ecab0430b9fca5fb2a30bb9d24938c63955a56ea4aee88350b7bc548307ca56c","site":"local","volume":"bone-density-v1"}','dcc2a9e21c71a0eb6dda00c600fa1925a33d6e317c53eee43e3f47d9edc9a63d','1c67bd03caa8af96bdfd14e7070afceb4bd8b786621ab10e7b958cd9dff23e1b');
INSERT INTO "audit" VALUES(10,'2026-11-26T16:04:16.561547+00:00','appliance.deployed','appliance:bone-density-a1','voxpop','','{"cores":2,"document_sha256":"ecab0430b9fca5fb2a30bb9d24938c63955a56ea4aee88350b7bc548307ca56c","memory_gb":25,"network":false,"not_given":["asked 16 cores, this machine has 2: jobs run on 2","asked 32 GB of memory, this machine has 25 GB: jobs get 25 GB","asked 1 GPU: none on site local","asked a portal (portal): not on site local","asked a batch queue (htcondor): site local runs jobs itself","asked octave: the program ''octave-cli'' is not installed on this machine","asked caffe-models: the Python module ''cv2'' is not installed on this machine"],"sandbox":"bubblewrap","site":"local"}','1c67bd03caa8af96bdfd14e7070afceb4bd8b786621ab10e7b958cd9dff23e1b','0c8dead748747880c8901e56546f00c9cf729eb6faf1db21f8313781562bd436');
INSERT INTO "audit" VALUES(11,'2026-11-26T16:04:16.609226+00:00','application.active','application:bone-density','voxpop','its appliance is deployed','{"document_sha256":"24ffce55933c36cf116a0ae562889e11a0982820871d6bfee3ed4c0b514df6dc"}','0c8dead748747880c8901e56546f00c9cf729eb6faf1db21f8313781562bd436','55c85772ff2f18768b0ba329ee83560e3d890ad97a14511d9e53ce10fb86b475');
INSERT INTO "audit" VALUES(12,'2026-11-26T16:04:17.110238+00:00','archive.connected','archive:pacs','tester','','{"kind":"dicomweb"}','55c85772ff2f18768b0ba329ee83560e3d890ad97a14511d9e53ce10fb86b475','9b2a90c26c65087ced0ec3435cba27b718b9f4940254c7170b01d18dbd39d026');
INSERT INTO "audit" VALUES(13,'2026-11-26T16:04:17.135044+00:00','run.created','run:bone-density-r1','Ada Example','','{"pipeline":"bone-density/1.0.0","pipeline_sha256":"18ce4827d72486dd7e27c393499293ef5904de0fcef1eeb05a083e2508938153","repeats":null}','9b2a90c26c65087ced0ec3435cba27b718b9f4940254c7170b01d18dbd39d026','afcb4a0728b3857663311c7ab532caa30431315fa6cfd4e28edda8a75763b930');
INSERT INTO "audit" VALUES(14,'2026-11-26T16:04:17.142100+00:00','run.started','run:bone-density-r1','voxpop','','{}','afcb4a0728b3857663311c7ab532caa30431315fa6cfd4e28edda8a75763b930','ce9e446502ef5af244f08141f17402792f1163fe13fea5f3b648728a3d422b56');
INSERT INTO "audit" VALUES(15,'2026-11-26T16:04:17.251288+00:00','run.done','run:bone-density-r1','voxpop','','{"record_sha256":"abababababababababababababababababababababababababababababababab"}','ce9e446502ef5af244f08141f17402792f1163fe13fea5f3b648728a3d422b56','bf95dcd11f05cfb0af65e1d5c91093e2abcee437ceed4e3ea01e3aa67e849479');
CREATE TABLE cohort (
	id VARCHAR(80) NOT NULL, 
	application VARCHAR(64) NOT NULL, 
	"query" TEXT NOT NULL, 
	index_digest VARCHAR(64) NOT NULL, 
	list_digest VARCHAR(64) NOT NULL, 
	counts JSON NOT NULL, 
	selected INTEGER NOT NULL, 
	not_selected INTEGER NOT NULL, 
	frozen_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(application) REFERENCES application (id)
);
INSERT INTO "cohort" VALUES('bone-density-c1','bone-density','{}','0000000000000000000000000000000000000000000000000000000000000000','4835bfc52ba0d70a5d9014bb0681e9a5e783b0914d33eabbe001fef5aec109d3','{}',2,0,'2026-01-02 03:04:05.000000');
CREATE TABLE move (
	seq INTEGER NOT NULL, 
	subject VARCHAR(200) NOT NULL, 
	source VARCHAR(40) NOT NULL, 
	target VARCHAR(40) NOT NULL, 
	actor VARCHAR(200) NOT NULL, 
	reason TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES audit (seq)
);
INSERT INTO "move" VALUES(2,'application:bone-density','draft','submitted','Ada Example','','2026-11-26 16:04:13.674208');
INSERT INTO "move" VALUES(3,'application:bone-density','submitted','in review','Carmen Example','','2026-11-26 16:04:14.312069');
INSERT INTO "move" VALUES(4,'application:bone-density','in review','approved','Carmen Example','sound','2026-11-26 16:04:15.147666');
INSERT INTO "move" VALUES(7,'volume:bone-density-v1','building','sealed','tester','','2026-11-26 16:04:15.580919');
INSERT INTO "move" VALUES(10,'appliance:bone-density-a1','planned','deployed','voxpop','','2026-11-26 16:04:16.561547');
INSERT INTO "move" VALUES(11,'application:bone-density','approved','active','voxpop','its appliance is deployed','2026-11-26 16:04:16.609226');
INSERT INTO "move" VALUES(14,'run:bone-density-r1','created','running','voxpop','','2026-11-26 16:04:17.142100');
INSERT INTO "move" VALUES(15,'run:bone-density-r1','running','done','voxpop','','2026-11-26 16:04:17.251288');
CREATE TABLE outbox (
	seq INTEGER NOT NULL, 
	action VARCHAR(80) NOT NULL, 
	subject VARCHAR(200) NOT NULL, 
	taken BOOLEAN NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES audit (seq)
);
INSERT INTO "outbox" VALUES(2,'application.submitted','application:bone-density',0);
INSERT INTO "outbox" VALUES(3,'application.in-review','application:bone-density',0);
INSERT INTO "outbox" VALUES(4,'application.approved','application:bone-density',0);
INSERT INTO "outbox" VALUES(7,'volume.sealed','volume:bone-density-v1',0);
INSERT INTO "outbox" VALUES(10,'appliance.deployed','appliance:bone-density-a1',0);
INSERT INTO "outbox" VALUES(11,'application.active','application:bone-density',0);
INSERT INTO "outbox" VALUES(14,'run.started','run:bone-density-r1',0);
INSERT INTO "outbox" VALUES(15,'run.done','run:bone-density-r1',0);
CREATE TABLE result_file (
	id INTEGER NOT NULL, 
	run VARCHAR(80) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	path TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	bytes BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES run (id), 
	UNIQUE (run, path)
);
INSERT INTO "result_file" VALUES(1,'bone-density-r1','report','outputs/report.json','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',12);
CREATE TABLE run (
	id VARCHAR(80) NOT NULL, 
	application VARCHAR(64) NOT NULL, 
	appliance VARCHAR(80) NOT NULL, 
	volume VARCHAR(80) NOT NULL, 
	pipeline VARCHAR(120) NOT NULL, 
	pipeline_digest VARCHAR(64) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	repeats VARCHAR(80), 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(appliance) REFERENCES appliance (id), 
	FOREIGN KEY(application) REFERENCES application (id), 
	FOREIGN KEY(repeats) REFERENCES run (id), 
	FOREIGN KEY(volume) REFERENCES volume (id)
);
INSERT INTO "run" VALUES('bone-density-r1','bone-density','bone-density-a1','bone-density-v1','bone-density/1.0.0','18ce4827d72486dd7e27c393499293ef5904de0fcef1eeb05a083e2508938153','done',NULL,'2026-01-02 03:04:05.000000');
CREATE TABLE staged_series (
	id INTEGER NOT NULL, 
	volume VARCHAR(80) NOT NULL, 
	ordinal INTEGER NOT NULL, 
	series INTEGER NOT NULL, 
	fate VARCHAR(20) NOT NULL, 
	reason TEXT NOT NULL, 
	modality VARCHAR(16) NOT NULL, 
	instances INTEGER NOT NULL, 
	placed JSON NOT NULL, 
	facts JSON NOT NULL, 
	seconds JSON NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(volume) REFERENCES volume (id), 
	UNIQUE (volume, ordinal, series)
);
CREATE TABLE staged_study (
	volume VARCHAR(80) NOT NULL, 
	ordinal INTEGER NOT NULL, 
	fate VARCHAR(20) NOT NULL, 
	reason TEXT NOT NULL, 
	participant VARCHAR(64), 
	session VARCHAR(64), 
	study_group VARCHAR(64) NOT NULL, 
	PRIMARY KEY (volume, ordinal), 
	FOREIGN KEY(volume) REFERENCES volume (id)
);
CREATE TABLE volume (
	id VARCHAR(80) NOT NULL, 
	application VARCHAR(64) NOT NULL, 
	cohort VARCHAR(80) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	owner VARCHAR(200) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	files INTEGER NOT NULL, 
	bytes BIGINT NOT NULL, 
	sealed_at DATETIME, 
	ends_on DATE, 
	PRIMARY KEY (id), 
	FOREIGN KEY(application) REFERENCES application (id), 
	FOREIGN KEY(cohort) REFERENCES cohort (id)
);
INSERT INTO "volume" VALUES('bone-density-v1','bone-density','bone-density-c1','sealed','Ada Example','937591de4117e16ee7c9ff8f2ca2aa3d88860af14da55f275510866a98ba68b7',1,28,'2026-11-26 16:04:15.582984','2099-01-01');
CREATE TABLE volume_grant (
	volume VARCHAR(80) NOT NULL, 
	person VARCHAR(200) NOT NULL, 
	until DATE, 
	granted_by VARCHAR(200) NOT NULL, 
	granted_at DATETIME NOT NULL, 
	PRIMARY KEY (volume, person), 
	FOREIGN KEY(volume) REFERENCES volume (id)
);
INSERT INTO "volume_grant" VALUES('bone-density-v1','Mia Example','2099-01-01','tester','2026-11-26 16:04:15.588655');
CREATE INDEX ix_audit_subject ON audit (subject);
CREATE INDEX ix_cohort_application ON cohort (application);
CREATE INDEX ix_move_subject ON move (subject);
CREATE INDEX ix_volume_application ON volume (application);
CREATE INDEX ix_appliance_application ON appliance (application);
CREATE INDEX ix_staged_series_volume ON staged_series (volume);
CREATE INDEX ix_run_application ON run (application);
CREATE INDEX ix_result_file_run ON result_file (run);
CREATE INDEX ix_result_file_sha256 ON result_file (sha256);
COMMIT;
