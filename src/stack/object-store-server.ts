import { rm, writeFile } from 'node:fs/promises';
import { probeBucket } from './bucket-probe.ts';
import type { StackHome } from './home.ts';
import { portOf, type ServerPart } from './part.ts';

export const EMBEDDED_BUCKET = 'nightreel';
export const EMBEDDED_REGION = 'us-east-1';

/** What a browser may read without credentials: videos (their names cannot be guessed) and reports. Nothing may be listed. */
const PUBLIC_PATTERNS = ['videos/*', 'batches/*/report.html'];

/** SeaweedFS's worker looks for the admin server's gRPC at this distance from its port, whatever the flags say. */
const GRPC_OFFSET = 10_000;
const INNER_PORTS = ['s3Grpc', 'master', 'masterGrpc', 'volume', 'volumeGrpc', 'filer', 'filerGrpc'];

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** SeaweedFS in one process: an S3 server with one bucket and one pair of keys, on loopback only. */
export const objectStorePart = (home: StackHome, binary: string, credentials: Credentials): ServerPart => ({
  name: 'seaweedfs',
  title: 'SeaweedFS',
  binary,
  ownArgument: `-dir=${home.objectStoreData}`,
  usualPorts: { s3: 8333 },
  graceMs: 20_000,
  failureClass: 'StorageUnavailable',
  async choosePorts(chooser, wanted) {
    const ports: Record<string, number> = {
      s3: await chooser.choose(wanted('s3')),
      admin: await chooser.choose(wanted('admin'), [GRPC_OFFSET]),
    };
    for (const name of INNER_PORTS) ports[name] = await chooser.choose(wanted(name));
    return ports;
  },
  async prepare() {
    const identities = [
      {
        name: 'nightreel',
        credentials: [{ accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey }],
        actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
      },
      { name: 'anonymous', actions: PUBLIC_PATTERNS.map((pattern) => `Read:${EMBEDDED_BUCKET}/${pattern}`) },
    ];
    await writeFile(home.objectStoreConfig, JSON.stringify({ identities }), { mode: 0o600 });
  },
  args: (ports) => [
    ...['-logtostderr=true', 'mini', `-dir=${home.objectStoreData}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1'],
    ...[`-s3.config=${home.objectStoreConfig}`, `-bucket=${EMBEDDED_BUCKET}`, '-s3.autoCreateBucket=false'],
    // Without plain HTTP the filer does not show the whole bucket to everybody on this machine.
    ...['-disableHttp', '-webdav=false', '-admin.ui=false', '-s3.port.iceberg=0', '-s3.port.lance=0'],
    // Its wait before the volume server stops is for other servers of a cluster; there are none.
    ...['-master.telemetry=false', '-volume.preStopSeconds=0'],
    // Taking up its old Raft state, the master often misses the volume server's first call; uploads then wait 5 to 20 s.
    '-master.resumeState=false',
    ...[`-s3.port=${portOf(ports, 's3')}`, `-s3.port.grpc=${portOf(ports, 's3Grpc')}`],
    ...[`-admin.port=${portOf(ports, 'admin')}`, `-admin.port.grpc=${portOf(ports, 'admin') + GRPC_OFFSET}`],
    ...['master', 'volume', 'filer'].flatMap((server) => [
      `-${server}.port=${portOf(ports, server)}`,
      `-${server}.port.grpc=${portOf(ports, `${server}Grpc`)}`,
    ]),
  ],
  probe: (ports, signal) =>
    probeBucket(
      {
        endpoint: `http://127.0.0.1:${portOf(ports, 's3')}`,
        region: EMBEDDED_REGION,
        forcePathStyle: true,
        credentials: { ...credentials },
        maxAttempts: 1,
      },
      EMBEDDED_BUCKET,
      signal,
    ),
  async clean(ports) {
    const grpc = ['s3', 'master', 'volume', 'filer'].map((name) => `${name}-grpc-${ports[`${name}Grpc`]}`);
    const sockets = [
      ...grpc,
      `admin-grpc-${(ports.admin ?? 0) + GRPC_OFFSET}`,
      `s3-${ports.s3}`,
      `filer-${ports.filer}`,
    ];
    await Promise.all(sockets.map((name) => rm(`/tmp/seaweedfs-${name}.sock`, { force: true })));
  },
});
