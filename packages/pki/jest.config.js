export { default } from '../../config/jest.js';
