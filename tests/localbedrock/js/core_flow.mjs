// The core flow of a batch job, and the other calls, with the AWS SDK for JavaScript v3.
// Usage: node core_flow.mjs <endpoint> <CreateModelInvocationJob input as JSON>. Prints what it found as JSON.
import {
  BedrockClient, CreateModelInvocationJobCommand, GetFoundationModelCommand, GetInferenceProfileCommand,
  GetModelInvocationJobCommand, ListFoundationModelsCommand, ListInferenceProfilesCommand,
  ListTagsForResourceCommand, StopModelInvocationJobCommand, TagResourceCommand, UntagResourceCommand,
  paginateListModelInvocationJobs,
} from "@aws-sdk/client-bedrock";
import { BedrockRuntimeClient, ConverseCommand, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";

const [endpoint, input] = process.argv.slice(2);
const config = {
  endpoint, region: "us-east-1", maxAttempts: 1, credentials: { accessKeyId: "test", secretAccessKey: "test" },
};
const bedrock = new BedrockClient(config);
const runtime = new BedrockRuntimeClient(config);
const request = JSON.parse(input);

async function refusal(command) {
  try {
    await bedrock.send(command);
    return null;
  } catch (error) {
    return { name: error.name, status: error.$metadata.httpStatusCode, message: error.message };
  }
}

async function waitForEnd(jobIdentifier) {
  for (;;) {
    const job = await bedrock.send(new GetModelInvocationJobCommand({ jobIdentifier }));
    if (["Completed", "Failed", "Stopped", "Expired", "PartiallyCompleted"].includes(job.status)) return job;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const { jobArn } = await bedrock.send(new CreateModelInvocationJobCommand(request));
await bedrock.send(new TagResourceCommand({ resourceARN: jobArn, tags: [{ key: "a", value: "1" }] }));
await bedrock.send(new UntagResourceCommand({ resourceARN: jobArn, tagKeys: ["team"] }));
const { tags } = await bedrock.send(new ListTagsForResourceCommand({ resourceARN: jobArn }));
const job = await waitForEnd(jobArn);

const listed = [];
const filters = { nameContains: request.jobName, submitTimeAfter: new Date(0), sortOrder: "Descending" };
for await (const page of paginateListModelInvocationJobs({ client: bedrock, pageSize: 1 }, filters)) {
  listed.push(...page.invocationJobSummaries.map((summary) => summary.jobArn));
}

const messages = [{ role: "user", content: [{ text: "[[answer: Hello from JavaScript]]" }] }];
const modelId = "amazon.nova-lite-v1:0";
const converse = await runtime.send(new ConverseCommand({ modelId, messages }));
const invoke = await runtime.send(new InvokeModelCommand({ modelId, body: JSON.stringify({ messages }) }));
const profile = await bedrock.send(new GetInferenceProfileCommand({ inferenceProfileIdentifier: `us.${modelId}` }));

console.log(JSON.stringify({
  jobArn, tags, listed, job,
  submitTimeIsADate: job.submitTime instanceof Date,
  models: (await bedrock.send(new ListFoundationModelsCommand({ byProvider: "Amazon" }))).modelSummaries.length,
  model: (await bedrock.send(new GetFoundationModelCommand({ modelIdentifier: modelId }))).modelDetails.modelId,
  profiles: (await bedrock.send(new ListInferenceProfilesCommand({}))).inferenceProfileSummaries.length,
  profileModels: profile.models.length,
  converse: converse.output.message.content[0].text,
  usage: converse.usage,
  invoke: JSON.parse(new TextDecoder().decode(invoke.body)).output.message.content[0].text,
  notFound: await refusal(new GetModelInvocationJobCommand({ jobIdentifier: "aaaaaaaaaaaa" })),
  badName: await refusal(new CreateModelInvocationJobCommand({ ...request, jobName: "bad name" })),
  nameInUse: await refusal(new CreateModelInvocationJobCommand({ ...request, clientRequestToken: "other" })),
  ended: await refusal(new StopModelInvocationJobCommand({ jobIdentifier: jobArn })),
}));
