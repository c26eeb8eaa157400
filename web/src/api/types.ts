/** The API's own types under short names; all of them come from its OpenAPI document. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Bulk = Schemas["Bulk"];
export type BulkDone = Schemas["BulkDone"];
export type FileFacts = Schemas["FileFacts"];
export type FilePlan = Schemas["FilePlan"];
export type Found = Schemas["Found"];
export type FrameTimes = Schemas["FrameTimes"];
export type Job = Schemas["JobView"];
export type JobOptions = Schemas["Request"];
export type Kind = Job["kind"];
export type Measured = Schemas["Measured"];
export type Model = Schemas["ModelView"];
export type NewJob = Schemas["NewJob"];
export type Option = Schemas["Option"];
export type Run = Schemas["RunView"];
export type RunSummary = Schemas["RunSummary"];
export type SampleSheet = Schemas["SampleSheet"];
export type SessionState = Schemas["SessionState"];
export type Settings = Schemas["SettingsView"];
export type Task = Schemas["TaskChoice"]["task"];
export type TaskChoice = Schemas["TaskChoice"];
