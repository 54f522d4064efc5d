import { expect } from 'chai';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { Field } from '../../../../src/api/schema/field.js';
import { ConfigMapSyncSpec } from '../../../../src/api/v1alpha1/config-map-sync-spec.js';
import {
  fieldsOf,
  rulesOf,
  integer,
  listOf,
  mapOf,
  object,
  ObjectRule,
  text,
} from '../../../../src/api/schema/schema.js';

@ObjectRule<Leaf>({
  cel: 'self.size > 1',
  message: 'be larger',
  holds: ({ size }) => size === undefined || size > 1,
})
@ObjectRule<Leaf>({
  cel: 'self.size < 9',
  message: 'be smaller',
  holds: ({ size }) => size === undefined || size < 9,
})
class Leaf {
  @Field(integer({ format: 'int32', minimum: 0 }), { description: 'How large it is.' })
  declare size?: number;
}

class Tree {
  @Field(text({ maxLength: 3 }), {
    description: 'What it is called.',
    displayName: 'Species',
    required: true,
  })
  declare name: string;

  @Field(object(Leaf), { description: 'The one leaf.' })
  declare leaf?: Leaf;

  @Field(listOf(object(Leaf), { listType: 'map', keys: ['size'], maxItems: 2 }), {
    description: 'More leaves.',
  })
  declare leaves?: Leaf[];

  @Field(mapOf(text({ maxLength: 1 }), { maxProperties: 1 }), { description: 'Marks in its bark.' })
  declare marks?: Record<string, string>;
}

/** What class-validator, which knows nothing of us, makes of it. */
function errorsOf(plain: object): string[] {
  return validateSync(plainToInstance(Tree, plain)).flatMap(({ property, constraints, children }) => [
    ...Object.values(constraints ?? {}).map((message) => `${property}${message}`),
    ...(children ?? []).flatMap((child) =>
      Object.values(child.constraints ?? {}).map((m) => `${property}.${child.property}${m}`),
    ),
  ]);
}

describe('Field', () => {
  it('keeps for the generator what it is told, in the order of the declarations', () => {
    const fields = fieldsOf(Tree);

    expect([...fields.keys()]).to.deep.equal(['name', 'leaf', 'leaves', 'marks']);
    expect(fields.get('name')).to.deep.equal({
      name: 'name',
      schema: { kind: 'text', maxLength: 3 },
      description: 'What it is called.',
      displayName: 'Species',
      required: true,
    });
  });

  it('makes a display name of the name of the field where it is told none', () => {
    expect(fieldsOf(Tree).get('leaves')?.displayName).to.equal('Leaves');
    expect(fieldsOf(ConfigMapSyncSpec).get('deletionPolicy')?.displayName).to.equal('Deletion Policy');
  });

  it('makes class-validator ask for what is required, and for nothing else', () => {
    expect(errorsOf({})).to.deep.equal(['name: is required']);
  });

  it('makes class-validator check bounds', () => {
    expect(errorsOf({ name: 'long' })).to.deep.equal(['name: must be at most 3 characters long']);
  });

  it('makes class-validator descend into objects and lists', () => {
    expect(errorsOf({ name: 'a', leaf: { size: -1 } })).to.include('leaf.size: must be at least 0, not -1');
  });

  it('makes class-transformer give objects and items their class', () => {
    const tree = plainToInstance(Tree, { name: 'a', leaf: { size: 2 }, leaves: [{ size: 3 }] });

    expect(tree.leaf).to.be.instanceOf(Leaf);
    expect(tree.leaves?.[0]).to.be.instanceOf(Leaf);
  });

  it('leaves no trace of an optional property on instances', () => {
    expect(Object.keys(plainToInstance(Tree, { name: 'a' }))).to.deep.equal(['name']);
  });

  it('refuses two items of a list with the same key', () => {
    expect(errorsOf({ name: 'a', leaves: [{ size: 3 }, { size: 3 }] })).to.deep.equal([
      'leaves[1]: is there twice: "3"; take one away',
    ]);
  });

  it('tells a class without fields from one that has some', () => {
    class Bare {}

    expect(() => fieldsOf(Bare)).to.throw('Bare declares no fields');
  });
});

describe('ObjectRule', () => {
  it('keeps the rules in the order in which they are written', () => {
    expect(rulesOf(Leaf).map(({ cel }) => cel)).to.deep.equal(['self.size > 1', 'self.size < 9']);
  });

  it('is checked where an object of the class is a field', () => {
    expect(errorsOf({ name: 'a', leaf: { size: 1 } })).to.deep.equal(['leaf: be larger']);
  });

  it('is checked for each item of a list', () => {
    expect(errorsOf({ name: 'a', leaves: [{ size: 2 }, { size: 9 }] })).to.deep.equal([
      'leaves[1]: be smaller',
    ]);
  });
});
