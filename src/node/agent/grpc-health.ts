/**
 * One question of the gRPC health checking protocol (`grpc.health.v1.Health/Check`), over HTTP/2 without TLS.
 * Source: github.com/grpc/grpc `doc/health-checking.md`; messages are those of kubelet's gRPC probe.
 */
import { connect } from 'node:http2';
import type { Clock } from '../../clock/clock.ts';

export interface GrpcHealth {
  readonly healthy: boolean;
  readonly output: string;
}

const servingStatus = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const unimplemented = 12;

export function grpcHealth(
  host: string,
  port: number,
  service: string,
  timeoutSeconds: number,
  clock: Clock,
): Promise<GrpcHealth> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve) => {
    const session = connect(`http://${address}`);
    let connected = false;
    const finish = (output: string): void => {
      timer.cancel();
      session.destroy();
      resolve({ healthy: output === '', output });
    };
    const failed = (why: string): void =>
      finish(
        connected
          ? why
          : `timeout: failed to connect service ${JSON.stringify(address)} within ${timeoutSeconds}s: context deadline exceeded`,
      );
    const timer = clock.setTimeout(
      () => failed(`timeout: health rpc did not complete within ${timeoutSeconds}s`),
      timeoutSeconds * 1000,
    );
    session.once('connect', () => {
      connected = true;
    });
    session.once('error', (error: Error) => failed(`error: health rpc probe failed: ${error.message}`));
    const call = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'kube-probe/1.36',
    });
    const chunks: Buffer[] = [];
    let code: number | undefined;
    let message = '';
    const takeStatus = (headers: Record<string, unknown>): void => {
      if (headers['grpc-status'] === undefined) return;
      code = Number(headers['grpc-status']);
      message = decodeURIComponent(String(headers['grpc-message'] ?? ''));
    };
    call.on('response', takeStatus);
    call.on('trailers', takeStatus);
    call.on('data', (chunk: Buffer) => chunks.push(chunk));
    call.once('error', (error: Error) => failed(`error: health rpc probe failed: ${error.message}`));
    call.once('end', () => {
      if (code === unimplemented) {
        finish(`error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}`);
      } else if (code !== 0) {
        finish(`error: health rpc probe failed: rpc error: code = ${code ?? 'Unknown'} desc = ${message}`);
      } else {
        const status = servingStatus[statusOf(Buffer.concat(chunks))] ?? 'UNKNOWN';
        finish(status === 'SERVING' ? '' : `service unhealthy (responded with ${JSON.stringify(status)})`);
      }
    });
    call.end(frame(service));
  });
}

/** A gRPC message that holds `HealthCheckRequest{service}`: a byte for compression, the length, the protobuf. */
function frame(service: string): Buffer {
  const name = Buffer.from(service);
  const body = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
}

/** `HealthCheckResponse.status`: field 1, an enumeration of small numbers; left out when it is 0. */
function statusOf(message: Buffer): number {
  return message.length >= 7 && message[5] === 0x08 ? message[6]! : 0;
}
