/**
 * The overlays beside the types of Kubernetes' own Go packages, where Debian's `golang-k8s-api-dev` and
 * `golang-k8s-apimachinery-dev` are installed, or GOCODE names a folder that holds their sources.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { presenceOf, schemaOf } from '../../src/apis/schemas.ts';
import type { Schema } from '../../src/machinery/schema.ts';
import { type GoField, readGoPackage } from './go-types.ts';

const sources = process.env.GOCODE ?? '/usr/share/gocode/src';

const packages: Readonly<Record<string, string>> = {
  'io.k8s.api.admissionregistration.v1': 'k8s.io/api/admissionregistration/v1',
  'io.k8s.api.apps.v1': 'k8s.io/api/apps/v1',
  'io.k8s.api.authentication.v1': 'k8s.io/api/authentication/v1',
  'io.k8s.api.authorization.v1': 'k8s.io/api/authorization/v1',
  'io.k8s.api.autoscaling.v1': 'k8s.io/api/autoscaling/v1',
  'io.k8s.api.autoscaling.v2': 'k8s.io/api/autoscaling/v2',
  'io.k8s.api.batch.v1': 'k8s.io/api/batch/v1',
  'io.k8s.api.certificates.v1': 'k8s.io/api/certificates/v1',
  'io.k8s.api.coordination.v1': 'k8s.io/api/coordination/v1',
  'io.k8s.api.core.v1': 'k8s.io/api/core/v1',
  'io.k8s.api.discovery.v1': 'k8s.io/api/discovery/v1',
  'io.k8s.api.events.v1': 'k8s.io/api/events/v1',
  'io.k8s.api.flowcontrol.v1': 'k8s.io/api/flowcontrol/v1',
  'io.k8s.api.networking.v1': 'k8s.io/api/networking/v1',
  'io.k8s.api.node.v1': 'k8s.io/api/node/v1',
  'io.k8s.api.policy.v1': 'k8s.io/api/policy/v1',
  'io.k8s.api.rbac.v1': 'k8s.io/api/rbac/v1',
  'io.k8s.api.scheduling.v1': 'k8s.io/api/scheduling/v1',
  'io.k8s.api.storage.v1': 'k8s.io/api/storage/v1',
  'io.k8s.apimachinery.pkg.apis.meta.v1': 'k8s.io/apimachinery/pkg/apis/meta/v1',
};

/** What a field's markers say, in the terms of schemas. */
function saidOf({ markers }: GoField): Record<string, unknown> {
  const one = (name: string): string | undefined => markers.get(name)?.[0];
  const value = one('default');
  return Object.fromEntries(
    Object.entries({
      'x-kubernetes-list-type': one('listType'),
      'x-kubernetes-list-map-keys': markers.get('listMapKey'),
      'x-kubernetes-patch-merge-key': one('patchMergeKey'),
      'x-kubernetes-patch-strategy': one('patchStrategy'),
      'x-kubernetes-map-type': one('mapType') ?? one('structType'),
      default: value === undefined || value.startsWith('ref(') ? undefined : JSON.parse(value),
    }).filter(([, said]) => said !== undefined),
  );
}

function differences(definitions: string, directory: string): { checked: number; wrong: string[] } {
  const { structs, enums } = readGoPackage(join(sources, directory));
  const core = readGoPackage(join(sources, packages['io.k8s.api.core.v1']!)).enums;
  const wrong: string[] = [];
  let checked = 0;
  for (const [name, fields] of structs) {
    const schema = definitionOf(`${definitions}.${name}`);
    if (schema?.properties === undefined) continue;
    for (const field of fields) {
      const property = schema.properties[field.name];
      if (property === undefined) continue;
      const expect = (said: string, expected: unknown, found: unknown): void => {
        checked += 1;
        if (JSON.stringify(expected) !== JSON.stringify(found)) {
          wrong.push(`${name}.${field.name} ${said}: ${JSON.stringify(expected)}, not ${JSON.stringify(found)}`);
        }
      };
      for (const [said, expected] of Object.entries(saidOf(field))) {
        expect(said, expected, property[said as keyof Schema]);
      }
      const values = field.type.includes('.') ? core.get(field.type.replace(/.*\./, '')) : enums.get(field.type);
      if (values !== undefined && values.length > 0 && !field.isMap) {
        expect('enum', values, (field.isList ? property.items : property)?.enum);
      }
    }
  }
  return { checked, wrong };
}

/** Empty ones are given their default before anything is written. */
const defaulted = new Set([
  'FlowSchemaSpec.matchingPrecedence',
  'PodFailurePolicyOnPodConditionsPattern.status',
  'QueuingConfiguration.handSize',
  'QueuingConfiguration.queueLengthLimit',
  'QueuingConfiguration.queues',
  'RoleRef.apiGroup',
]);

/**
 * Fields that Go writes when they are empty and we would leave out. What is not a pointer is always written without
 * `omitempty`; structs are so in any case (`metadata` is everywhere).
 */
function unwritten(definitions: string, directory: string): string[] {
  const { structs } = readGoPackage(join(sources, directory));
  return [...structs].flatMap(([name, fields]) => {
    const schema = definitionOf(`${definitions}.${name}`);
    const { pointers = [], always = [] } = schema === undefined ? {} : presenceOf(`${definitions}.${name}`);
    return fields.flatMap((field) => {
      const property = schema?.properties?.[field.name];
      if (
        property === undefined ||
        field.name === 'metadata' ||
        field.isPointer ||
        defaulted.has(`${name}.${field.name}`)
      )
        return [];
      const isStruct = property.properties !== undefined && !field.isMap && !field.isList;
      const written = always.includes(field.name) || schema?.required?.includes(field.name) === true;
      if (field.omitEmpty && !isStruct)
        return pointers.includes(field.name) ? [`${name}.${field.name}: no pointer`] : [];
      return written && !pointers.includes(field.name) ? [] : [`${name}.${field.name}: always written`];
    });
  });
}

/** Pointers to what is zero: what we would leave out, or take for absent, and Go does not. */
function unpointed(definitions: string, directory: string): string[] {
  const { structs } = readGoPackage(join(sources, directory));
  return [...structs].flatMap(([name, fields]) => {
    const schema = definitionOf(`${definitions}.${name}`);
    const { pointers = [], always = [] } = schema === undefined ? {} : presenceOf(`${definitions}.${name}`);
    return fields.flatMap((field) => {
      const property = schema?.properties?.[field.name];
      // There is no empty time and no empty quantity.
      const isScalar =
        !/(Time|Quantity)$/.test(field.type) &&
        ['string', 'integer', 'number', 'boolean'].includes(String(property?.type));
      const isOurs = pointers.includes(field.name) || always.includes(field.name);
      return field.isPointer && isScalar && !isOurs && !schema?.required?.includes(field.name)
        ? [`${name}.${field.name}: a pointer`]
        : [];
    });
  });
}

/** Structs that no schema tells of are Go's own. */
function definitionOf(name: string): Schema | undefined {
  try {
    return schemaOf(name);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('there is no schema')) return undefined;
    throw error;
  }
}

describe('types of Go packages', () => {
  it('are read with their markers', () => {
    const directory = mkdtempSync(join(tmpdir(), 'go-types-'));
    try {
      const tick = '`';
      writeFileSync(
        join(directory, 'types.go'),
        `package v1

// Mode is one of a few.
// +enum
type Mode string

const (
	ModeB Mode = "B"
	ModeA      = Mode("A")
)

// Thing has fields.
type Thing struct {
	metav1.TypeMeta ${tick}json:",inline"${tick}
	// Items by name.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +patchStrategy=merge
	// +patchMergeKey=name
	Items []Item ${tick}json:"items,omitempty" protobuf:"bytes,1,rep,name=items"${tick}
	// +default="A"
	Mode *Mode ${tick}json:"mode,omitempty"${tick}
}
`,
      );
      const { structs, enums } = readGoPackage(directory);
      assert.deepEqual(enums.get('Mode'), ['A', 'B']);
      const [items, mode] = structs.get('Thing')!;
      assert.deepEqual([items!.name, items!.type, items!.isList], ['items', 'Item', true]);
      assert.deepEqual(saidOf(items!), {
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        'x-kubernetes-patch-merge-key': 'name',
        'x-kubernetes-patch-strategy': 'merge',
      });
      assert.deepEqual([mode!.name, mode!.type, saidOf(mode!)], ['mode', 'Mode', { default: 'A' }]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

if (existsSync(join(sources, 'k8s.io/api/core/v1/types.go'))) {
  describe('the overlays', () => {
    for (const [definitions, directory] of Object.entries(packages)) {
      it(`say of ${definitions} what its Go types say`, () => {
        const { wrong } = differences(definitions, directory);
        assert.deepEqual(wrong, []);
      });
    }

    for (const [definitions, directory] of Object.entries(packages)) {
      it(`leave out of ${definitions} what Go leaves out, and nothing else`, () => {
        assert.deepEqual([...unwritten(definitions, directory), ...unpointed(definitions, directory)], []);
      });
    }

    it('are held against something', () => {
      const { checked } = differences('io.k8s.api.core.v1', packages['io.k8s.api.core.v1']!);
      assert.ok(checked > 200, `${checked} markers`);
    });
  });
}
