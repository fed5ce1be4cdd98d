import assert from 'node:assert/strict';
import { matchesNodeSelectorTerm, type NodeSelectorTerm } from '../../src/machinery/node-selector.ts';

const labels = { disk: 'ssd', cores: '8', odd: 'x8' };
const label = (key: string, operator: string, ...values: string[]): NodeSelectorTerm => ({
  matchExpressions: [{ key, operator, values }],
});

describe('terms of node selectors', () => {
  const cases: [string, NodeSelectorTerm, boolean][] = [
    ['no requirement at all', {}, false],
    ['In', label('disk', 'In', 'hdd', 'ssd'), true],
    ['In, of what there is not', label('gpu', 'In', 'a'), false],
    ['NotIn', label('disk', 'NotIn', 'ssd'), false],
    ['NotIn, of what there is not', label('gpu', 'NotIn', 'a'), true],
    ['Exists', label('disk', 'Exists'), true],
    ['DoesNotExist', label('disk', 'DoesNotExist'), false],
    ['Gt', label('cores', 'Gt', '7'), true],
    ['Gt of the same', label('cores', 'Gt', '8'), false],
    ['Lt', label('cores', 'Lt', '9'), true],
    ['Lt of no number', label('odd', 'Lt', '9'), false],
    ['an operator that there is not', label('disk', 'Like', 'ssd'), false],
    ['the name', { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }, true],
    ['another name', { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }, false],
    ['another field', { matchFields: [{ key: 'metadata.uid', operator: 'DoesNotExist' }] }, false],
    [
      'all of several',
      { ...label('disk', 'Exists'), matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] },
      false,
    ],
  ];
  for (const [name, term, expected] of cases) {
    it(name, () => assert.equal(matchesNodeSelectorTerm(term, 'n1', labels), expected));
  }
});
