// Calls a portal through the vendor's SDK: one JSON request a line on stdin, one JSON answer a line on stdout.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { B24Hook, B24OAuth, ParamsFactory } = await import(pathToFileURL(process.argv[2]));

const clients = new Map();

function client(key, asked) {
  if (!clients.has(key)) {
    const made = asked.hook
      ? B24Hook.fromWebhookUrl(asked.hook)
      : new B24OAuth(asked.oauth, asked.secret);
    made.offClientSideWarning();
    const entry = { b24: made, renewed: null };
    if (asked.oauth) {
      made.setCallbackRefreshAuth(async ({ b24OAuthParams }) => { entry.renewed = { ...b24OAuthParams }; });
    }
    clients.set(key, entry);
  }
  return clients.get(key);
}

function read(answer) {
  if (!answer.isSuccess) {
    const failure = [...answer.getErrors()][0];
    return { error: { code: failure.code ?? "", status: failure.status ?? 0, message: failure.message } };
  }
  return answer.getData();
}

const actions = {
  call: async ({ b24 }, { method, params }) => read(await b24.actions.v2.call.make({ method, params })),
  batch: async ({ b24 }, { calls }) => ({
    result: read(await b24.actions.v2.batch.make({ calls, options: { isHaltOnError: false, returnAjaxResult: false } })),
  }),
  list: async ({ b24 }, { method, params }) => ({
    result: read(await b24.actions.v2.callList.make({ method, params })),
  }),
  chunks: async ({ b24 }, { calls }) => ({
    result: read(await b24.actions.v2.batchByChunk.make({ calls, options: { isHaltOnError: false } })),
  }),
  admin: async ({ b24 }) => {
    await b24.initIsAdmin();
    return { result: b24.auth.isAdmin };
  },
  renewed: async (entry) => ({ result: entry.renewed }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let answer;
  try {
    answer = await actions[asked.do](client(asked.client, asked), asked);
  } catch (error) {
    answer = { error: { code: String(error.code ?? ""), status: error.status ?? 0, message: error.message } };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
