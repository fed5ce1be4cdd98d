/** What the audit log tells of patches, answers and failures. */
import type { AuditTrail } from '../auth/audit/trail.ts';
import type { JsonObject, JsonValue } from '../machinery/json.ts';
import type { ApiObject } from '../machinery/object.ts';
import { internalError, type Status, StatusError } from '../machinery/status.ts';
import { parseYaml, YamlError } from '../machinery/yaml.ts';
import type { ApiResponse } from './api-request.ts';
import type { RequestBody } from './decode.ts';
import { plainJson } from './media.ts';
import type { ServedVersion } from './registry.ts';
import { type RenderContext, renderEntry, renderList, renderObject, renderOther } from './render.ts';

/** A patch, whatever its format; text that is none of JSON and YAML is a string. */
export function notePatch(trail: AuditTrail | undefined, body: RequestBody): void {
  trail?.patched(() => patchValue(body));
}

function patchValue(body: RequestBody): JsonValue {
  if (body.kind === 'value') return body.value;
  try {
    return parseYaml(body.bytes).value;
  } catch (error) {
    if (error instanceof YamlError) return Buffer.from(body.bytes).toString();
    throw error;
  }
}

/** The answer's Status where it is one, and its object, in the shape that the client gets, where the policy wants it. */
export function noteAnswer(trail: AuditTrail, result: ApiResponse, context: RenderContext): void | Promise<void> {
  if (result.kind === 'object' && isStatus(result.object)) trail.said(result.object);
  // Most policies want no objects: nothing is waited for then.
  if (trail.takesResponses) return noteObject(trail, result, context);
}

async function noteObject(trail: AuditTrail, result: ApiResponse, context: RenderContext): Promise<void> {
  const json = await jsonOf(result, {
    ...context,
    representation: { ...context.representation, encoding: 'json', pretty: false },
  });
  if (json !== undefined) trail.responded(json);
}

async function jsonOf(result: ApiResponse, context: RenderContext): Promise<string | undefined> {
  switch (result.kind) {
    case 'entry':
      return (await renderEntry(result.entry, context)).toString().trimEnd();
    case 'list':
      return Buffer.concat(await renderList(result.list, context))
        .toString()
        .trimEnd();
    case 'object': {
      const { object, version } = result;
      const bytes =
        version === undefined
          ? renderObject(object as JsonObject, context.representation)
          : renderOther(object as ApiObject, version, context);
      return bytes.toString().trimEnd();
    }
    default:
      return undefined;
  }
}

function isStatus(object: object): object is Status {
  return (object as Partial<Status>).kind === 'Status' && (object as Partial<Status>).apiVersion === 'v1';
}

/** The end of a request that was not served; `error` that is no refusal is the server's own fault. */
export function noteFailure(trail: AuditTrail, error: unknown): void {
  if (error instanceof StatusError) {
    trail.said(error.status);
    trail.complete(error.code);
    return;
  }
  const message = error instanceof Error ? error.message : String(error);
  trail.said(internalError(message).status);
  trail.panicked(message);
}

/** The answer to a request from inside this process, as JSON would tell it. What goes on ends with what is returned. */
export async function noteLocalAnswer(
  trail: AuditTrail,
  result: ApiResponse,
  { type, version }: ServedVersion,
  now: number,
): Promise<(() => void) | undefined> {
  await noteAnswer(trail, result, { type, version, representation: plainJson, rowObject: 'Metadata', now });
  const code = 'code' in result ? result.code : 200;
  if (result.kind === 'watch' || result.kind === 'stream') trail.started(code);
  if (result.kind === 'watch') return () => trail.complete(code);
  trail.complete(code);
}
