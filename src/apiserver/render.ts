/**
 * From what a verb answers to bytes. The stored version as JSON is a copy of the cache's bytes; everything else is made
 * from objects.
 */
import type { ResourceType, ResourceVersion } from '../apis/resource-type.ts';
import { goQuote } from '../machinery/field.ts';
import { isJsonObject, type JsonObject, type JsonValue, stringifyJson } from '../machinery/json.ts';
import { type ApiObject, groupVersion, type ListMeta } from '../machinery/object.ts';
import { badRequest } from '../machinery/status.ts';
import { formatYaml } from '../machinery/yaml.ts';
import type { CacheEntry } from './cache-entry.ts';
import { convertObject, convertObjects } from './conversion.ts';
import type { ObjectList } from './list.ts';
import type { Representation } from './media.ts';
import { partialObject, type RowObject, type TableOptions, tableOf } from './table.ts';
import type { SelectedEvent, SharedBatch, WatchStep } from './watch.ts';

export interface RenderContext {
  readonly type: ResourceType;
  readonly version: ResourceVersion;
  readonly representation: Representation;
  readonly rowObject: RowObject;
  readonly now: number;
}

/** `?includeObject=` of Table requests. */
export function parseRowObject(query: URLSearchParams): RowObject {
  const text = query.get('includeObject') ?? 'Metadata';
  if (text === '' || text === 'Metadata') return 'Metadata';
  if (text === 'Object' || text === 'None') return text;
  throw badRequest(`unrecognized includeObject value: ${goQuote(text)}`);
}

/** Whether the cache's bytes can be sent as they are: those of objects that are stored in `apiVersion`, the request's. */
function takesBytes({ representation }: RenderContext): boolean {
  return representation.shape === 'object' && representation.encoding === 'json' && !representation.pretty;
}

function apiVersionOf({ type, version }: RenderContext): string {
  return groupVersion(type.group, version.name);
}

export async function renderEntry(entry: CacheEntry, context: RenderContext): Promise<Buffer> {
  if (takesBytes(context) && entry.apiVersion === apiVersionOf(context)) return Buffer.concat([entry.bytes, newline]);
  const object = await convertObject(context.type, entry.peek(), context.version.name);
  return encode(shapeOne(object, context), context.representation);
}

/** Go's encoder ends what it writes. */
const newline = Buffer.from('\n');
const comma = Buffer.from(',');
const listEnd = Buffer.from(']}\n');

/** The parts of the answer, to be written one after the other: nothing is joined that need not be. */
export async function renderList(list: ObjectList, context: RenderContext): Promise<Buffer[]> {
  const { type, version, representation } = context;
  const metadata: ListMeta = list.revision === undefined ? {} : { resourceVersion: String(list.revision) };
  if (list.continue !== '') metadata.continue = list.continue;
  if (list.remaining !== undefined) metadata.remainingItemCount = list.remaining;
  const apiVersion = groupVersion(type.group, version.name);
  const { listKind } = type.names;
  if (takesBytes(context) && list.entries.every((entry) => entry.apiVersion === apiVersion)) {
    const head = `{"kind":${JSON.stringify(listKind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`;
    const parts: Buffer[] = [Buffer.from(head)];
    for (const entry of list.entries) parts.push(entry.bytes, comma);
    if (list.entries.length > 0) parts.pop();
    parts.push(listEnd);
    return parts;
  }
  const objects = await convertObjects(
    type,
    list.entries.map((entry) => entry.peek()),
    version.name,
  );
  let value: JsonObject;
  if (representation.shape === 'table') value = tableOf(version, objects, metadata, tableOptions(context));
  else if (representation.shape === 'partial') {
    value = {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${representation.metaVersion}`,
      metadata: metadata as JsonObject,
      items: objects.map((object) => partialObject(object, representation.metaVersion)),
    };
  } else {
    value = { kind: listKind, apiVersion, metadata: metadata as JsonObject, items: objects as unknown as JsonObject[] };
  }
  return [encode(value, representation)];
}

/** An object of another kind than the resource's, such as a Scale. */
export function renderOther(object: ApiObject, version: ResourceVersion, context: RenderContext): Buffer {
  return encode(shapeOne(object, { ...context, version }), context.representation);
}

/** An object that is in no cache: a Status, discovery. Tables and partial objects are made of API objects only. */
export function renderObject(object: JsonObject | ApiObject, representation: Representation): Buffer {
  return encode(object as JsonObject, representation);
}

/** Batches on their way through a conversion: watchers that are told the same wait for the same. */
const conversions = new WeakMap<SharedBatch['frames'], Map<string, Promise<Buffer>>>();

function share(frames: SharedBatch['frames'], id: string, pending: Promise<Buffer>): void {
  const known = conversions.get(frames) ?? new Map<string, Promise<Buffer>>();
  known.set(id, pending);
  conversions.set(frames, known);
  const settled = (): void => void known.delete(id);
  pending.then(settled, settled);
}

/** The frames of a watch: one JSON document a line, each encoded once for all watchers that are told the same. */
export class WatchRenderer {
  #context: RenderContext;
  readonly #format: string;
  readonly #apiVersion: string;
  readonly #verbatimBytes: boolean;
  #tablesSent = 0;

  constructor(context: RenderContext) {
    this.#context = context;
    const { representation, version, rowObject } = context;
    this.#apiVersion = apiVersionOf(context);
    this.#verbatimBytes = takesBytes(context);
    this.#format = `${version.name} ${representation.contentType} ${representation.shape} ${representation.metaVersion} ${rowObject}`;
  }

  /** Goes on with a changed definition of the resource. False: this watch cannot, its client must begin again. */
  follow(type: ResourceType): boolean {
    const { type: before, version: old, representation } = this.#context;
    if (type === before) return true;
    const version = type.versions.find(({ name, served }) => served && name === old.name);
    if (version === undefined) return false;
    // The client has been told the columns once and for all.
    if (representation.shape === 'table' && !sameColumns(version, old)) return false;
    this.#context = { ...this.#context, type, version };
    return true;
  }

  /** Synchronous for objects in their stored version, which most watchers want. */
  render(step: WatchStep): Buffer | Promise<Buffer> {
    if (step.kind === 'bookmark') return this.#bookmark(step.revision, step.initialEnd);
    const tables = this.#context.representation.shape === 'table';
    // The first row of a Table watch carries the column definitions, which makes it this watcher's own.
    const shared = tables && this.#tablesSent === 0 ? undefined : step.shared;
    const id = `${this.#format} ${shared?.id}`;
    const known = shared?.frames.get(id);
    if (known !== undefined) return known;
    if (!this.#verbatimBytes || step.events.some(({ entry }) => entry.apiVersion !== this.#apiVersion)) {
      let pending = shared === undefined ? undefined : conversions.get(shared.frames)?.get(id);
      if (pending === undefined) {
        pending = this.#renderEach(step.events, shared, id);
        if (shared !== undefined) share(shared.frames, id, pending);
      }
      return pending;
    }
    const frames = step.events.map((event) => this.#verbatim(event));
    const batch = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
    shared?.frames.set(id, batch);
    return batch;
  }

  async #renderEach(events: readonly SelectedEvent[], shared: SharedBatch | undefined, id: string): Promise<Buffer> {
    const { type, version } = this.#context;
    // One conversion for all, as for a list.
    const objects = await convertObjects(
      type,
      events.map(({ entry }) => entry.peek()),
      version.name,
    );
    const frames = events.map((event, i) => this.#encoded(event, objects[i]!));
    const batch = Buffer.concat(frames);
    shared?.frames.set(id, batch);
    return batch;
  }

  #verbatim({ type, entry, frames }: SelectedEvent): Buffer {
    const id = `${type} ${this.#format}`;
    let frame = frames?.get(id);
    if (frame === undefined) {
      frame = wrap(type, entry.bytes);
      frames?.set(id, frame);
    }
    return frame;
  }

  #encoded(event: SelectedEvent, object: ApiObject): Buffer {
    const { version, representation } = this.#context;
    const first = representation.shape === 'table' && this.#tablesSent === 0;
    const frames = first ? undefined : event.frames;
    const id = `${event.type} ${this.#format}`;
    const known = frames?.get(id);
    if (known !== undefined) return known;
    let value: JsonValue;
    if (representation.shape === 'table') {
      const options = { ...tableOptions(this.#context), withoutDefinitions: !first };
      this.#tablesSent += 1;
      value = tableOf(version, [object], { resourceVersion: event.entry.resourceVersion }, options);
    } else value = shapeOne(object, this.#context);
    const frame = wrap(event.type, Buffer.from(stringifyJson(value)));
    frames?.set(id, frame);
    return frame;
  }

  #bookmark(revision: number, initialEnd: boolean): Buffer {
    const { type, version, representation } = this.#context;
    const metadata: JsonObject = { resourceVersion: String(revision), creationTimestamp: null };
    if (initialEnd) metadata.annotations = { 'k8s.io/initial-events-end': 'true' };
    const plain = { kind: type.names.kind, apiVersion: groupVersion(type.group, version.name), metadata };
    let value: JsonObject = plain;
    if (representation.shape === 'partial') value = { ...plain, ...partialKind(representation) };
    if (representation.shape === 'table') {
      const rows = [{ cells: [], object: { ...plain, ...partialKind(representation) } }];
      value = {
        kind: 'Table',
        apiVersion: `meta.k8s.io/${representation.metaVersion}`,
        metadata: { resourceVersion: String(revision) },
        columnDefinitions: null,
        rows,
      };
    }
    return wrap('BOOKMARK', Buffer.from(stringifyJson(value)));
  }
}

/** One line of a watch stream. */
export function wrap(type: string, object: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, Buffer.from('}\n')]);
}

function sameColumns(a: ResourceVersion, b: ResourceVersion): boolean {
  return (
    a.columns.length === b.columns.length &&
    a.columns.every(({ name, type }, i) => name === b.columns[i]!.name && type === b.columns[i]!.type)
  );
}

function partialKind({ metaVersion }: Representation): { kind: string; apiVersion: string } {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}` };
}

function tableOptions({ representation, rowObject, now }: RenderContext): TableOptions {
  return { metaVersion: representation.metaVersion, rowObject, now, withoutDefinitions: false };
}

function shapeOne(object: ApiObject, context: RenderContext): JsonObject {
  const { version, representation } = context;
  switch (representation.shape) {
    case 'table': {
      const { resourceVersion } = object.metadata;
      return tableOf(
        version,
        [object],
        resourceVersion === undefined ? {} : { resourceVersion },
        tableOptions(context),
      );
    }
    case 'partial':
      return partialObject(object, representation.metaVersion);
    default:
      return object as unknown as JsonObject;
  }
}

function encode(value: JsonObject, representation: Representation): Buffer {
  if (representation.encoding === 'yaml') return Buffer.from(formatYaml(value));
  if (representation.pretty && isJsonObject(value)) return Buffer.from(JSON.stringify(value, undefined, 2));
  return Buffer.from(`${stringifyJson(value)}\n`);
}
