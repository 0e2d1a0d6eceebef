// The rules of eslint.config.js for everything at once: one program is read and checked, not one for each package with all it imports.
import base from '../eslint.config.js';

const parserOptions = { projectService: false, project: 'config/tsconfig.json' };

export default [...base, { files: ['**/*.ts'], languageOptions: { parserOptions } }];
