// A batch job created, read, listed with every filter, tagged and stopped, with the AWS SDK for JavaScript v3 as it is.
// Usage: node batch_flow.mjs <CreateModelInvocationJob input as JSON>; address and keys are those of the environment.
import {
  BedrockClient, CreateModelInvocationJobCommand, GetModelInvocationJobCommand, ListTagsForResourceCommand,
  StopModelInvocationJobCommand, TagResourceCommand, UntagResourceCommand, paginateListModelInvocationJobs,
} from "@aws-sdk/client-bedrock";

const request = JSON.parse(process.argv[2]);
const bedrock = new BedrockClient({});

const { jobArn } = await bedrock.send(new CreateModelInvocationJobCommand(request));
await bedrock.send(new TagResourceCommand({ resourceARN: jobArn, tags: [{ key: "b", value: "two words" }] }));
await bedrock.send(new UntagResourceCommand({ resourceARN: jobArn, tagKeys: ["a"] }));
const { tags } = await bedrock.send(new ListTagsForResourceCommand({ resourceARN: jobArn }));

const listed = [];
const filters = {
  nameContains: request.jobName, statusEquals: "Submitted", submitTimeAfter: new Date(0),
  submitTimeBefore: new Date(Date.now() + 60_000), sortBy: "CreationTime", sortOrder: "Ascending",
};
for await (const page of paginateListModelInvocationJobs({ client: bedrock, pageSize: 1 }, filters)) {
  listed.push(...page.invocationJobSummaries.map((summary) => summary.jobArn));
}
await bedrock.send(new StopModelInvocationJobCommand({ jobIdentifier: jobArn }));
const job = await bedrock.send(new GetModelInvocationJobCommand({ jobIdentifier: jobArn }));
const refused = await bedrock.send(new StopModelInvocationJobCommand({ jobIdentifier: jobArn })).catch((error) => error);

console.log(JSON.stringify({
  jobArn, tags, listed, status: job.status, isDate: job.submitTime instanceof Date,
  error: refused.name, requestId: Boolean(refused.$metadata.requestId),
}));
