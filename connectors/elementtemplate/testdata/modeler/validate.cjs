const { readFileSync } = require('node:fs');
const { validateAll } = require('@bpmn-io/element-templates-validator');

const templates = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { valid, results } = validateAll(templates);
for (const r of results) {
  for (const e of r.errors || []) {
    console.error(`${r.object.name}: ${e.dataPath ?? e.instancePath}: ${e.message}`);
  }
}
console.log(`${results.length} templates`);
process.exit(valid ? 0 : 1);
