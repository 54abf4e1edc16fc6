/** What a team of some kind would ask for: packages with how likely they are. */
type Kind = { readonly name: string; readonly always: readonly string[]; readonly maybe: readonly string[] };

const kinds: readonly Kind[] = [
  {
    name: 'tabular',
    always: ['pandas', 'scikit-learn'],
    maybe: [
      'lightgbm',
      'xgboost-cpu',
      'pyarrow',
      'scipy',
      'statsmodels',
      'shap',
      'joblib',
      'matplotlib',
      'category-encoders',
      'imbalanced-learn',
      'optuna',
    ],
  },
  {
    name: 'analysis',
    always: ['pandas', 'matplotlib'],
    maybe: [
      'seaborn',
      'polars',
      'duckdb',
      'openpyxl',
      'plotly',
      'scipy',
      'statsmodels',
      'networkx',
      'pyarrow',
      'tabulate',
      'jinja2',
    ],
  },
  {
    name: 'service',
    always: ['fastapi', 'uvicorn', 'pydantic'],
    maybe: [
      'httpx',
      'sqlalchemy',
      'psycopg2-binary',
      'redis',
      'boto3',
      'orjson',
      'numpy',
      'pandas',
      'tenacity',
      'pyjwt',
      'cryptography',
      'python-dotenv',
    ],
  },
  {
    name: 'text',
    always: ['scikit-learn', 'regex'],
    maybe: [
      'nltk',
      'tokenizers',
      'safetensors',
      'huggingface-hub',
      'pandas',
      'beautifulsoup4',
      'lxml',
      'rapidfuzz',
      'ftfy',
      'tqdm',
    ],
  },
  {
    name: 'images',
    always: ['numpy', 'pillow'],
    maybe: ['opencv-python-headless', 'scikit-image', 'scipy', 'onnxruntime', 'imageio', 'matplotlib', 'tqdm', 'boto3'],
  },
];
const everyday = [
  'requests',
  'pyyaml',
  'click',
  'rich',
  'tqdm',
  'python-dateutil',
  'attrs',
  'cloudpickle',
  'packaging',
  'tenacity',
];

/** One team's requirements, as a team would write them. */
export type Team = { readonly name: string; readonly requirements: readonly string[] };

/**
 * Makes teams from a seed: the same seed gives the same teams. Each has a kind, what that kind always needs, some of what it may
 * need, and an everyday package or two; every third line has an upper bound as people write them.
 */
export function makeTeams(count: number, seed: number): readonly Team[] {
  const random = generator(seed);
  return Array.from({ length: count }, (_, at) => {
    const kind = kinds[Math.floor(random() * kinds.length)] ?? kinds[0];
    if (kind === undefined) throw new Error('There is no kind of team.');
    const wanted = [
      ...kind.always,
      ...kind.maybe.filter(() => random() < 0.4),
      ...everyday.filter(() => random() < 0.25),
    ];
    const bounds: Readonly<Record<string, string>> = {
      pandas: '<3',
      numpy: '<3',
      pydantic: '>=2',
      sqlalchemy: '>=2,<3',
      'scikit-learn': '>=1.5',
    };
    const requirements = [...new Set(wanted)].map((name) => (random() < 0.34 ? `${name}${bounds[name] ?? ''}` : name));
    return { name: `team-${String(at + 1).padStart(2, '0')}-${kind.name}`, requirements };
  });
}

/** mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
