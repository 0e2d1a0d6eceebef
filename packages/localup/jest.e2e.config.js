import { jestConfig } from '../../config/jest.js';

export default jestConfig({ e2e: true });
