/**
 * Queued keys of one priority, in such an order that groups of keys (namespaces) take turns. Each step costs the same,
 * however many keys there are.
 */

export type Priority = 'fresh' | 'background';

/** A key that is queued (it has a level) or being worked on (it has none). */
export class Item {
  readonly key: string;
  readonly groupName: string;
  level: Level | undefined = undefined;
  group: Group | undefined = undefined;
  next: Item | undefined = undefined;
  previous: Item | undefined = undefined;
  /** Added while being worked on, with this priority. */
  again: Priority | undefined = undefined;
  /** When it became ready, or was taken; kept only for metrics. */
  since = 0;

  constructor(key: string, groupName: string) {
    this.key = key;
    this.groupName = groupName;
  }
}

/** The queued keys of one group, in order, and the group's place in the circle of groups. */
class Group {
  readonly name: string;
  first: Item | undefined = undefined;
  last: Item | undefined = undefined;
  next: Group = this;
  previous: Group = this;

  constructor(name: string) {
    this.name = name;
  }
}

/** All queued keys of one priority: a circle of groups, each giving one key at its turn. */
export class Level {
  size = 0;
  readonly #groups = new Map<string, Group>();
  #turn: Group | undefined;

  push(item: Item): void {
    let group = this.#groups.get(item.groupName);
    if (group === undefined) {
      group = new Group(item.groupName);
      this.#groups.set(item.groupName, group);
      this.#join(group);
    }
    item.level = this;
    item.group = group;
    item.previous = group.last;
    item.next = undefined;
    if (group.last === undefined) group.first = item;
    else group.last.next = item;
    group.last = item;
    this.size += 1;
  }

  shift(): Item | undefined {
    const group = this.#turn;
    if (group === undefined) return undefined;
    this.#turn = group.next;
    const item = group.first!;
    this.remove(item);
    return item;
  }

  remove(item: Item): void {
    const group = item.group!;
    if (item.previous === undefined) group.first = item.next;
    else item.previous.next = item.next;
    if (item.next === undefined) group.last = item.previous;
    else item.next.previous = item.previous;
    item.level = undefined;
    item.group = undefined;
    item.next = undefined;
    item.previous = undefined;
    this.size -= 1;
    if (group.first === undefined) this.#leave(group);
  }

  /** A new group goes last: just before the one whose turn it is. */
  #join(group: Group): void {
    const turn = this.#turn;
    if (turn === undefined) {
      this.#turn = group;
      return;
    }
    group.next = turn;
    group.previous = turn.previous;
    turn.previous.next = group;
    turn.previous = group;
  }

  #leave(group: Group): void {
    this.#groups.delete(group.name);
    if (group.next === group) {
      this.#turn = undefined;
      return;
    }
    group.previous.next = group.next;
    group.next.previous = group.previous;
    if (this.#turn === group) this.#turn = group.next;
  }
}
