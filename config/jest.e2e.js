import { workspaceConfig } from './jest.js';

export default workspaceConfig({ e2e: true });
