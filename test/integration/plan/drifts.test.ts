import { expect } from 'chai';
import { SyncFixture } from '../../support/sync-fixture.js';
import { ALL_VERBS, NEEDED_VERBS } from '../../support/tenant.js';
import type { Effects } from './effects.js';
import { tell, type Telling } from './foretelling.js';
import { namespaceStory, specStory, type Story } from './stories.js';

const NOTHING: Effects = {
  created: [],
  updated: [],
  pruned: [],
  conflicting: [],
  denied: [],
  missing: [],
};

const open = namespaceStory();
const unlisted = namespaceStory({ verbs: NEEDED_VERBS });

const both = specStory({ targets: [0, 1] });

function story(given: Partial<Story> & Pick<Story, 'planned'>): Story {
  return {
    namespaces: [open, open],
    isGrantedEverywhere: false,
    source: 'present',
    earlier: [both],
    change: null,
    ...given,
  };
}

/** What happens in small worlds in which it is easily foretold wrongly; namespaces are numbered. */
const CASES: Record<string, { story: Story; effects: Partial<Effects> }> = {
  'a former copy goes where the new name is held by a ConfigMap of others': {
    story: story({
      namespaces: [open, namespaceStory({ occupant: 'foreign', occupantName: 'alpha' })],
      planned: { ...both, name: 'alpha' },
    }),
    effects: { created: ['0/alpha'], pruned: ['0/source', '1/source'], conflicting: ['1/alpha'] },
  },
  'a former copy goes where the new name is held by another ConfigMapSync': {
    story: story({
      namespaces: [open, namespaceStory({ occupant: "another ConfigMapSync's", occupantName: 'alpha' })],
      planned: { ...both, name: 'alpha', conflictPolicy: 'Overwrite' },
    }),
    effects: { created: ['0/alpha'], pruned: ['0/source', '1/source'], conflicting: ['1/alpha'] },
  },
  'a copy in a namespace that is no target any more goes although the source is missing': {
    story: story({
      change: { source: 'missing', verbs: [ALL_VERBS, ALL_VERBS] },
      planned: specStory({ targets: [0] }),
    }),
    effects: { pruned: ['1/source'] },
  },
  'a copy in a namespace that is no target any more goes although the source may not be read': {
    story: story({
      change: { source: 'denied', verbs: [ALL_VERBS, ALL_VERBS] },
      planned: specStory({ targets: [0] }),
    }),
    effects: { pruned: ['1/source'] },
  },
  'a copy in a namespace that is no target any more is released although the source is missing': {
    story: story({
      change: { source: 'missing', verbs: [ALL_VERBS, ALL_VERBS] },
      planned: specStory({ targets: [0], deletionPolicy: 'Orphan' }),
    }),
    effects: { pruned: ['1/source'] },
  },
  'a former copy that cannot be found by its name in any spec is denied where it cannot be deleted': {
    story: story({
      namespaces: [unlisted, unlisted],
      earlier: [both, { ...both, name: 'alpha' }],
      change: { source: 'present', verbs: [NEEDED_VERBS, ['get', 'create', 'update']] },
      planned: specStory({ targets: [0], name: 'alpha' }),
    }),
    effects: { denied: ['1'] },
  },
  'a former copy that is in no spec goes where it can be deleted again': {
    story: story({
      namespaces: [unlisted, unlisted],
      earlier: [both, { ...both, name: 'alpha' }],
      change: { source: 'missing', verbs: [NEEDED_VERBS, NEEDED_VERBS] },
      planned: specStory({ targets: [0], name: 'alpha' }),
    }),
    effects: { pruned: ['1/source'] },
  },
  'all copies go when the missing source is to take them along, whatever their name': {
    story: story({
      namespaces: [unlisted, unlisted],
      earlier: [both, { ...both, name: 'alpha' }],
      change: { source: 'missing', verbs: [NEEDED_VERBS, NEEDED_VERBS] },
      planned: { ...both, name: 'alpha', sourceDeletionPolicy: 'Delete' },
    }),
    effects: { pruned: ['0/source', '1/source'] },
  },
};

describe('config-weaver plan, case by case', () => {
  let fixture: SyncFixture;
  const tellings = new Map<string, Telling>();

  before(async function () {
    this.timeout(120_000);
    fixture = await SyncFixture.start();
    const told = await tell(
      fixture,
      Object.values(CASES).map((one) => one.story),
    );
    for (const [index, title] of Object.keys(CASES).entries()) tellings.set(title, told[index]!);
  });
  after(() => fixture.end());

  for (const [title, { effects }] of Object.entries(CASES)) {
    it(`foretells what happens: ${title}`, () => {
      const { foretold, happened, details } = tellings.get(title)!;

      expect(happened, details).to.deep.equal({ ...NOTHING, ...effects });
      expect(foretold, details).to.deep.equal(happened);
    });
  }
});
