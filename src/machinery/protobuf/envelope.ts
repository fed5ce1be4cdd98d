/**
 * What stands around a message in a body of `application/vnd.kubernetes.protobuf`: four bytes of magic, then
 * `runtime.Unknown`, which says of which kind the message is. Source: `k8s.io/apimachinery/pkg/runtime/serializer/protobuf`.
 */
import { delimited, ProtobufError, WireReader, WireWriter } from './wire.ts';

export interface Envelope {
  /** Empty when the body does not say. */
  readonly apiVersion: string;
  readonly kind: string;
  /** The message. */
  readonly raw: Uint8Array;
}

const magic = Buffer.from('k8s\0');

/** @throws ProtobufError with Kubernetes' words */
export function readEnvelope(body: Uint8Array): Envelope {
  if (body.length === 0) throw new ProtobufError('empty data');
  if (body.length < magic.length || magic.some((byte, i) => body[i] !== byte)) {
    throw new ProtobufError(
      `provided data does not appear to be a protobuf message, expected prefix [${[...magic].join(' ')}]`,
    );
  }
  if (body.length === magic.length) throw new ProtobufError('empty body');
  const from = new WireReader(body.subarray(magic.length));
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  while (!from.done) {
    from.tag('Unknown');
    if (from.field === 1) {
      from.expect(delimited, 'TypeMeta');
      const outer = from.enter();
      while (!from.done) {
        from.tag('TypeMeta');
        if (from.field === 1) {
          from.expect(delimited, 'APIVersion');
          apiVersion = from.string();
        } else if (from.field === 2) {
          from.expect(delimited, 'Kind');
          kind = from.string();
        } else from.skip();
      }
      from.leave(outer);
    } else if (from.field === 2) {
      from.expect(delimited, 'Raw');
      raw = from.bytes();
    } else from.skip(); // the content's encoding and type say nothing about a protobuf message
  }
  return { apiVersion, kind, raw };
}

export function writeEnvelope({ apiVersion, kind, raw }: Envelope): Buffer {
  const to = new WireWriter();
  to.tag(1, delimited);
  const start = to.begin();
  to.tag(1, delimited);
  to.string(apiVersion);
  to.tag(2, delimited);
  to.string(kind);
  to.end(start);
  to.tag(2, delimited);
  to.bytes(raw);
  to.tag(3, delimited);
  to.string('');
  to.tag(4, delimited);
  to.string('');
  return Buffer.concat([magic, to.finish()]);
}
