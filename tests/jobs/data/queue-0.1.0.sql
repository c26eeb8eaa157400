BEGIN TRANSACTION;
CREATE TABLE crispen_job (
	id VARCHAR(32) NOT NULL, 
	client VARCHAR(64) NOT NULL, 
	name VARCHAR NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	status VARCHAR(12) NOT NULL, 
	hidden BOOLEAN NOT NULL, 
	urgent INTEGER NOT NULL, 
	created FLOAT NOT NULL, 
	started FLOAT, 
	finished FLOAT, 
	updated FLOAT NOT NULL, 
	attempts INTEGER NOT NULL, 
	furthest FLOAT NOT NULL, 
	worker VARCHAR(120), 
	lease FLOAT, 
	error VARCHAR, 
	options VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	models VARCHAR NOT NULL, 
	result VARCHAR, 
	progress VARCHAR, 
	PRIMARY KEY (id)
);
INSERT INTO "crispen_job" VALUES('00000000000000000000000000000001','local','Ferien & Meer.png','image','done',0,0,1700000010.0,1700000020.0,1700000040.0,1700000050.0,1,0.0,NULL,NULL,NULL,'{"scale":null,"width":null,"height":null,"fit":false,"tasks":null,"models":null,"strength":null,"format":null,"quality":null,"codec":null,"strip_metadata":false}','{"kind":"image","type":"image/png","format":"png","width":48,"height":40,"frames":1,"bytes":999,"duration_s":null,"viewable":true}','photo-x2','{"name":"Ferien & Meer.x2.png","type":"image/png","width":96,"height":80,"frames":1,"bytes":1234,"notes":["of its 3 pages the first was enhanced"],"viewable":true}',NULL);
INSERT INTO "crispen_job" VALUES('00000000000000000000000000000002','local','Ferien & Meer.png','image','failed',0,0,1700000060.0,1700000070.0,1700000090.0,1700000100.0,1,0.0,NULL,NULL,'Ferien & Meer.png: cut','{"scale":null,"width":100,"height":null,"fit":false,"tasks":null,"models":["espcn"],"strength":null,"format":"webp","quality":80,"codec":null,"strip_metadata":false}','{"kind":"image","type":"image/png","format":"png","width":48,"height":40,"frames":1,"bytes":999,"duration_s":null,"viewable":true}','espcn',NULL,NULL);
INSERT INTO "crispen_job" VALUES('00000000000000000000000000000003','local','clip.mp4','video','running',0,0,1700000110.0,1700000120.0,NULL,1700000150.0,1,0.0,'old-worker',1700000170.0,NULL,'{"scale":null,"width":null,"height":null,"fit":false,"tasks":["upscale"],"models":null,"strength":null,"format":null,"quality":3,"codec":null,"strip_metadata":false}','{"kind":"video","type":"video/mp4","format":"mp4","width":320,"height":180,"frames":62,"bytes":9999,"duration_s":2.48,"viewable":true}','photo-fast',NULL,'{"what":"enhancing clip.mp4","done":10.0,"total":62.0,"unit":"frames","rate":5.0,"left_s":10.4}');
INSERT INTO "crispen_job" VALUES('00000000000000000000000000000004','local','Ferien & Meer.png','image','queued',0,0,1700000160.0,NULL,NULL,1700000160.0,0,0.0,NULL,NULL,NULL,'{"scale":3.0,"width":null,"height":null,"fit":false,"tasks":["denoise","upscale"],"models":null,"strength":0.5,"format":null,"quality":null,"codec":null,"strip_metadata":true}','{"kind":"image","type":"image/png","format":"png","width":48,"height":40,"frames":1,"bytes":999,"duration_s":null,"viewable":true}','denoise-photo,photo',NULL,NULL);
INSERT INTO "crispen_job" VALUES('00000000000000000000000000000005','local','clip.mp4','video','queued',0,0,1700000170.0,NULL,NULL,1700000170.0,0,0.0,NULL,NULL,NULL,'{"scale":null,"width":null,"height":null,"fit":false,"tasks":null,"models":null,"strength":null,"format":"webm","quality":null,"codec":"h264","strip_metadata":false}','{"kind":"video","type":"video/mp4","format":"mp4","width":320,"height":180,"frames":62,"bytes":9999,"duration_s":2.48,"viewable":true}','photo-fast',NULL,NULL);
INSERT INTO "crispen_job" VALUES('00000000000000000000000000000006','local','Ferien & Meer.png','image','queued',1,1,1700000180.0,NULL,NULL,1700000180.0,0,0.0,NULL,NULL,NULL,'{"scale":null,"width":200,"height":100,"fit":true,"tasks":null,"models":null,"strength":null,"format":null,"quality":null,"codec":null,"strip_metadata":false}','{"kind":"image","type":"image/png","format":"png","width":48,"height":40,"frames":1,"bytes":999,"duration_s":null,"viewable":true}','photo',NULL,NULL);
INSERT INTO "crispen_job" VALUES('00000000000000000000000000000007','local','Ferien & Meer.png','image','cancelled',0,0,1700000190.0,NULL,1700000200.0,1700000210.0,0,0.0,NULL,NULL,NULL,'{"scale":4.0,"width":null,"height":null,"fit":false,"tasks":null,"models":null,"strength":null,"format":null,"quality":null,"codec":null,"strip_metadata":false}','{"kind":"image","type":"image/png","format":"png","width":48,"height":40,"frames":1,"bytes":999,"duration_s":null,"viewable":true}','photo',NULL,NULL);
CREATE INDEX ix_crispen_job_client ON crispen_job (client);
CREATE INDEX ix_crispen_job_updated ON crispen_job (updated);
CREATE INDEX ix_crispen_job_status ON crispen_job (status);
COMMIT;
