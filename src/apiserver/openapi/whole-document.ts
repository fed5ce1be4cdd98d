/**
 * The v2 document, which holds everything. What a resource adds to it is written once, as the bytes that are sent; a
 * document is those of all resources joined. With a thousand definitions the first takes a second: it is made a few
 * resources at a time, with other requests in between.
 */
import { createHash } from 'node:crypto';
import { setImmediate as othersHadTheirTurn } from 'node:timers/promises';
import type { ResourceType, ResourceVersion } from '../../apis/resource-type.ts';
import type { JsonObject } from '../../machinery/json.ts';
import type { ResourceRegistry } from '../registry.ts';
import { documentHash, groupVersionPaths, headV2, type Part, partV2, type Served } from './documents.ts';
import { encodeDefinition, encodeEntriesTag, encodeHead, encodePath } from './v2-protobuf.ts';

/** The forms of the document. */
export type FormatV2 = 'json' | 'protobuf';

export interface WholeDocument {
  readonly body: Uint8Array;
  readonly hash: string;
}

/** An entry of one of the document's maps. */
interface Entry {
  readonly bytes: Buffer;
  readonly digest: Buffer;
}

interface Entries {
  readonly paths: ReadonlyMap<string, Entry>;
  readonly definitions: ReadonlyMap<string, Entry>;
}

/** How a form writes entries, and the document around them. */
interface Form {
  path(name: string, item: JsonObject): Buffer;
  definition(name: string, schema: JsonObject): Buffer;
  around(paths: readonly Buffer[], definitions: readonly Buffer[]): Buffer[];
}

const comma = Buffer.from(',');
const member = (name: string, value: JsonObject): Buffer =>
  Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(value)}`);

const forms: Readonly<Record<FormatV2, Form>> = {
  json: {
    path: member,
    definition: member,
    around: (paths, definitions) => [
      Buffer.from(`${JSON.stringify(headV2).slice(0, -1)},"paths":{`),
      ...separated(paths),
      Buffer.from('},"definitions":{'),
      ...separated(definitions),
      Buffer.from('}}'),
    ],
  },
  protobuf: {
    path: encodePath,
    definition: encodeDefinition,
    around: (paths, definitions) => [
      encodeHead(headV2),
      encodeEntriesTag('paths', lengthOf(paths)),
      ...paths,
      encodeEntriesTag('definitions', lengthOf(definitions)),
      ...definitions,
    ],
  },
};

function separated(entries: readonly Buffer[]): Buffer[] {
  return entries.flatMap((entry, i) => (i === 0 ? [entry] : [comma, entry]));
}

function lengthOf(entries: readonly Buffer[]): number {
  return entries.reduce((sum, { length }) => sum + length, 0);
}

/** Resources that are written in one go: some milliseconds. */
const resourcesAtOnce = 4;

/** Gives the document as it is now: kept while the resources are what they are, and made once for all who ask meanwhile. */
export function wholeDocument(registry: ResourceRegistry, format: FormatV2): () => Promise<WholeDocument> {
  const writer = new Writer(forms[format]);
  let known: { generation: number; document: Promise<WholeDocument> } | undefined;
  return () => {
    const { generation } = registry;
    if (known?.generation !== generation) {
      known = { generation, document: writer.document([...groupVersionPaths(registry).values()].flat()) };
    }
    return known.document;
  };
}

class Writer {
  readonly #form: Form;
  readonly #ofResources = new WeakMap<ResourceType, WeakMap<ResourceVersion, Entries>>();
  /** Kubernetes' own definitions, which nearly all resources refer to, are the same record wherever they are. */
  readonly #ofDefinitions = new WeakMap<JsonObject, Entry>();

  constructor(form: Form) {
    this.#form = form;
  }

  async document(resources: readonly Served[]): Promise<WholeDocument> {
    const paths = new Map<string, Entry>();
    const definitions = new Map<string, Entry>();
    let made = 0;
    for (const served of resources) {
      const [type, version] = served;
      let entries = this.#ofResources.get(type)?.get(version);
      if (entries === undefined) {
        if (made > 0 && made % resourcesAtOnce === 0) await othersHadTheirTurn();
        made++;
        entries = this.#write(partV2(served));
        this.#keep(type, version, entries);
      }
      for (const [path, entry] of entries.paths) paths.set(path, entry);
      for (const [name, entry] of entries.definitions) definitions.set(name, entry);
    }
    if (made > 0) await othersHadTheirTurn();
    const sorted = [...definitions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
    const ordered = [...paths.values()];
    const digest = createHash('sha512');
    for (const entry of [...ordered, ...sorted]) digest.update(entry.digest);
    const bytes = ({ bytes }: Entry): Buffer => bytes;
    const body = Buffer.concat(this.#form.around(ordered.map(bytes), sorted.map(bytes)));
    return { body, hash: documentHash(digest.digest()) };
  }

  #keep(type: ResourceType, version: ResourceVersion, entries: Entries): void {
    const known = this.#ofResources.get(type) ?? new WeakMap<ResourceVersion, Entries>();
    known.set(version, entries);
    this.#ofResources.set(type, known);
  }

  #write({ paths, schemas }: Part): Entries {
    const written = new Map<string, Entry>();
    for (const [path, item] of Object.entries(paths)) {
      written.set(path, entryOf(this.#form.path(path, item as JsonObject)));
    }
    const definitions = new Map<string, Entry>();
    for (const [name, schema] of Object.entries(schemas)) {
      let entry = this.#ofDefinitions.get(schema);
      if (entry === undefined) {
        entry = entryOf(this.#form.definition(name, schema));
        this.#ofDefinitions.set(schema, entry);
      }
      definitions.set(name, entry);
    }
    return { paths: written, definitions };
  }
}

function entryOf(bytes: Buffer): Entry {
  return { bytes, digest: createHash('sha256').update(bytes).digest() };
}
