// The one jest configuration: ESM as Node runs it, TypeScript stripped by swc, our packages taken from their sources.
import { availableParallelism } from 'node:os';

/** @param {{ e2e?: boolean }} [options] */
export function jestConfig({ e2e = false } = {}) {
  return {
    testEnvironment: 'node',
    testEnvironmentOptions: { customExportConditions: ['@clusternet/source', 'node', 'import', 'default'] },
    extensionsToTreatAsEsm: ['.ts'],
    transform: {
      '^.+\\.ts$': [
        '@swc/jest',
        { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' }, sourceMaps: 'inline' },
      ],
    },
    // The bundled entry points under dist/ are what e2e starts, never what jest imports.
    modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/deploy/'],
    testMatch: e2e ? ['**/*.e2e.test.ts'] : ['**/*.test.ts'],
    testPathIgnorePatterns: e2e ? ['/node_modules/'] : ['/node_modules/', '\\.e2e\\.test\\.ts$'],
    maxWorkers: e2e ? 1 : Math.max(1, availableParallelism() - 1),
    testTimeout: e2e ? 300_000 : 20_000,
  };
}

export default jestConfig();
