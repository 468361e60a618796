import assert from "node:assert/strict";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { fromRoot } from "../../lib/paths.ts";
import { type HttpsNews, httpsLines } from "../../lib/release/certificate.ts";
import { until } from "../local/temporary-aws.ts";
import { type HostRig, openHostRig } from "./host-rig.ts";

const Key = "tls/state.json";

/** A host that serves an app, and what it keeps and says of its certificate. */
export interface CertificateRig extends AsyncDisposable {
  readonly rig: HostRig;
  /** What the bucket keeps. */
  read(): Promise<Kept>;
  /** What the bucket keeps once it is as it should be. */
  readOnce(isExpected: (kept: Kept) => boolean): Promise<Kept>;
  write(body: string): Promise<unknown>;
  /** Has the host look now, and returns when it has. */
  look(): Promise<unknown>;
  /** Has the host order anew, as one does that finds nothing in the bucket. */
  orderAnew(): Promise<void>;
  /** The next report whose news are as they should be. */
  hear(isExpected: (news: HttpsNews) => boolean): Promise<HttpsNews>;
  /** Asks the app by HTTPS, whatever the certificate, and returns the status. */
  serve(): Promise<string>;
  /**
   * What `status` says of a failure, on one line. The app is served all the while. How often it has failed depends on how soon
   * that is asked: it is left out.
   */
  failure(news: HttpsNews): Promise<string>;
}

type Kept = Record<string, unknown>;

/** Nothing while it is damaged. */
function parseKept(text: string): Kept {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

const failedSoOften = /failed (?:once|\d+ times in a row)/;

/** For another reason than the bucket: who couldn't read that tries again, and says so meanwhile. */
export const hasFailed = ({ error, cause }: HttpsNews) => error !== undefined && cause !== "bucket";
export const isWell = ({ error, certificate }: HttpsNews) => error === undefined && certificate !== undefined;

export async function openCertificateRig(): Promise<CertificateRig> {
  const rig = await openHostRig();
  const write = (Body: string) =>
    rig.clients.s3.send(new PutObjectCommand({ Bucket: rig.bucket, Key, Body }));
  // A run that has begun may have read the bucket already, and systemd starts nothing twice.
  const look = () =>
    rig.run(`
      while systemctl is-active berth-certificate.service | grep -q '^activating$'; do sleep 0.1; done
      systemctl start berth-certificate.service`);
  const serve = () =>
    rig.run(`python3 -c '
import ssl, urllib.request
print(urllib.request.urlopen("https://127.0.0.1/", context=ssl._create_unverified_context()).status)'`);
  try {
    await rig.release(1, await rig.push(fromRoot("test/apps/realtime")), { memoryMib: 128 });
  } catch (error) {
    await rig[Symbol.asyncDispose]();
    throw error;
  }
  const readText = async () => {
    const { Body } = await rig.clients.s3.send(new GetObjectCommand({ Bucket: rig.bucket, Key }));
    return (await Body?.transformToString()) ?? "";
  };
  return {
    rig,
    read: async () => JSON.parse(await readText()),
    readOnce: async (isExpected) => {
      let kept: Kept = {};
      await until(async () => {
        kept = parseKept(await readText());
        return isExpected(kept);
      });
      return kept;
    },
    write,
    look,
    orderAnew: async () => {
      await write("{}");
      await look();
    },
    hear: async (isExpected) => {
      let news: HttpsNews | undefined;
      await until(async () => {
        news = (await rig.report())?.https;
        return news !== undefined && isExpected(news);
      });
      return news ?? Promise.reject(new Error("The host reported nothing"));
    },
    serve,
    failure: async (news) => {
      const [line, ...others] = httpsLines(news).filter((one) => one.includes("failed"));
      assert.deepEqual(others, []);
      assert.doesNotMatch(line ?? "", /\n/);
      assert.equal(await serve(), "200");
      assert.match(line ?? "", failedSoOften);
      return `${news.cause}: ${line?.trim().replace(failedSoOften, "failed")}`;
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}
