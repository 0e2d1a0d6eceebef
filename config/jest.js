// The one jest configuration: ESM as Node runs it, TypeScript stripped by swc, our packages taken from their sources.

const root = new URL('..', import.meta.url).pathname;

/** @param {{ e2e?: boolean }} [options] */
export function jestConfig({ e2e = false } = {}) {
  return {
    testEnvironment: 'node',
    testEnvironmentOptions: { customExportConditions: ['@clusternet/source', 'node'] },
    extensionsToTreatAsEsm: ['.ts'],
    transform: {
      '^.+\\.ts$': [
        '@swc/jest',
        { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' }, sourceMaps: 'inline' },
      ],
    },
    // Bundles under dist/ are what end-to-end tests start as processes, never what jest imports.
    modulePathIgnorePatterns: ['/dist/', '/deploy/'],
    testMatch: e2e ? ['**/*.e2e.test.ts'] : ['**/*.test.ts'],
    testPathIgnorePatterns: e2e ? ['/node_modules/', '/dist/'] : ['/node_modules/', '/dist/', '\\.e2e\\.test\\.ts$'],
    testTimeout: e2e ? 300_000 : 20_000,
  };
}

/** Every package at once, from the root. @param {{ e2e?: boolean }} [options] */
export function workspaceConfig(options) {
  return { ...jestConfig(options), rootDir: root, roots: ['<rootDir>/packages', '<rootDir>/e2e', '<rootDir>/bench'] };
}

export default jestConfig();
