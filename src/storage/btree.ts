/** `sorted-btree` is a CommonJS module: to an ES module its default export is a property of the default import. */
import sortedBtree from 'sorted-btree';

export const BTree = sortedBtree.default;
