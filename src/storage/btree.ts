/**
 * `sorted-btree` is a CommonJS module. Node hands an ES module its exports, with the class as their `default`; loaders that
 * turn ES modules into CommonJS hand over the class itself.
 */
import sortedBtree from 'sorted-btree';

export const BTree = (sortedBtree.default ?? sortedBtree) as typeof sortedBtree.default;
