import { request } from "undici";

/** etcd's own answer; it also stands for "has a leader". */
export async function isHealthy(port: number): Promise<boolean> {
  const answer = await request(`http://127.0.0.1:${port}/health`);
  await answer.body.dump();
  return answer.statusCode === 200;
}

/** Compacts at the current revision, and waits until the history is gone from the disk too. */
export async function compact(port: number): Promise<string> {
  const range = (await call(port, "range", { key: Buffer.from("/").toString("base64"), count_only: true })) as {
    header: { revision: string };
  };
  const { revision } = range.header;
  await call(port, "compaction", { revision, physical: true });
  return revision;
}

async function call(port: number, operation: string, body: object): Promise<unknown> {
  const answer = await request(`http://127.0.0.1:${port}/v3/kv/${operation}`, { method: "POST", body: JSON.stringify(body) });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) {
    throw new Error(`etcd refused ${operation}: ${text}`);
  }
  return JSON.parse(text);
}
