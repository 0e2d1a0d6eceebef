import { workspaceConfig } from './jest.js';

export default { ...workspaceConfig(), maxWorkers: '100%' };
