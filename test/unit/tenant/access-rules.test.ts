import { expect } from 'chai';
import { AccessRules, type RulesReviewStatus } from '../../../src/tenant/namespace-access.js';

type Rule = NonNullable<RulesReviewStatus['resourceRules']>[number];

function rules(...resourceRules: Rule[]): AccessRules {
  return new AccessRules({ resourceRules });
}

const onConfigMaps = { apiGroups: [''], resources: ['configmaps'] };

describe('access rules', () => {
  it('allow the verbs that they name, and no others', () => {
    const access = rules({ ...onConfigMaps, verbs: ['get', 'create'] });

    expect(access.allows('get', 'shared')).to.equal(true);
    expect(access.allows('create')).to.equal(true);
    expect(access.allows('delete', 'shared')).to.equal(false);
  });

  it('allow nothing where there are none', () => {
    expect(rules().allows('get', 'shared')).to.equal(false);
    expect(new AccessRules({}).allows('get', 'shared')).to.equal(false);
  });

  it('add up', () => {
    const access = rules({ ...onConfigMaps, verbs: ['get'] }, { ...onConfigMaps, verbs: ['delete'] });

    expect(access.allows('get', 'shared')).to.equal(true);
    expect(access.allows('delete', 'shared')).to.equal(true);
  });

  it('allow by wildcards for groups, resources and verbs', () => {
    expect(rules({ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }).allows('watch')).to.equal(true);
  });

  it('say nothing of ConfigMaps where they are about other groups, resources or subresources', () => {
    expect(rules({ apiGroups: ['apps'], resources: ['*'], verbs: ['*'] }).allows('get', 'x')).to.equal(false);
    expect(rules({ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }).allows('get', 'x')).to.equal(
      false,
    );
    expect(
      rules({ apiGroups: [''], resources: ['configmaps/status'], verbs: ['*'] }).allows('get', 'x'),
    ).to.equal(false);
    expect(rules({ verbs: ['*'] }).allows('get', 'x')).to.equal(false);
  });

  describe('with resourceNames', () => {
    const access = rules({ ...onConfigMaps, verbs: ['*'], resourceNames: ['shared'] });

    it('allow requests for just these objects', () => {
      expect(access.allows('get', 'shared')).to.equal(true);
      expect(access.allows('update', 'shared')).to.equal(true);
      expect(access.allows('get', 'else')).to.equal(false);
    });

    it('never allow to create: a create has no name when it is authorized', () => {
      expect(access.allows('create', 'shared')).to.equal(false);
    });

    it('allow to list and watch by name only', () => {
      expect(access.allows('list', 'shared')).to.equal(true);
      expect(access.allows('watch', 'shared')).to.equal(true);
      expect(access.allows('list')).to.equal(false);
      expect(access.allows('watch')).to.equal(false);
    });

    it('that are empty mean every name', () => {
      expect(rules({ ...onConfigMaps, verbs: ['create'], resourceNames: [] }).allows('create')).to.equal(
        true,
      );
    });
  });

  it('have equal digests for equal rights, whatever their order', () => {
    const one = rules(
      { ...onConfigMaps, verbs: ['get', 'list'] },
      { ...onConfigMaps, verbs: ['update'], resourceNames: ['a', 'b'] },
    );
    const other = rules(
      { ...onConfigMaps, verbs: ['update'], resourceNames: ['b', 'a'] },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'] },
      { ...onConfigMaps, verbs: ['list', 'get'] },
    );

    expect(one.digest).to.equal(other.digest);
    expect(one.digest).not.to.equal(rules({ ...onConfigMaps, verbs: ['get', 'list'] }).digest);
  });

  it('are complete unless an authorizer could not list its own', () => {
    expect(new AccessRules({}).complete).to.equal(true);
    expect(new AccessRules({ incomplete: false }).complete).to.equal(true);
    expect(new AccessRules({ incomplete: true }).complete).to.equal(false);
  });
});
