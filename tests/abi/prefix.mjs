// The prefix test: everything that a released header promised must stand in today's header, at the same place, with the
// same size and type. prefix.mjs FROZEN... TODAY: writes a C++ program of static assertions for each frozen header and
// compiles it; type texts and constants are compared as text. Fields and constants may only be added behind.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const headers = process.argv.slice(2);
const today = headers.pop();
const strip = (text) => text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/\/\/.*$/gm, ' ');

function declared(file) {
  const text = strip(readFileSync(file, 'utf8'));
  const structs = new Map();
  for (const [, body, name] of text.matchAll(/typedef struct \w+ \{([\s\S]*?)\} (\w+);/g)) {
    const fields = [];
    for (const raw of body.split(';')) {
      const decl = raw.replace(/\s+/g, ' ').trim();
      if (decl === '') continue;
      const fn = decl.match(/^(.*?)\(\*(\w+)\)\s*(\(.*\))$/);
      if (fn) {
        fields.push({ name: fn[2], type: `${fn[1].trim()} (*)${fn[3].replace(/\s+/g, ' ')}` });
        continue;
      }
      // `and_ref a, b`: one type, several names; a pointer's star belongs to its name.
      const first = decl.match(/^((?:const )?\w+)\s*(.*)$/);
      for (const one of first[2].split(',')) {
        const m = one.trim().match(/^(\*?)\s*(\w+)((?:\[\w+\])*)$/);
        if (!m) throw new Error(`${basename(file)}: '${decl}' in ${name} is not understood`);
        fields.push({ name: m[2], type: `${first[1]} ${m[1]}${m[3]}`.trim() });
      }
    }
    structs.set(name, fields);
  }
  const constants = new Map();
  for (const [, name, value] of text.matchAll(/^#define (AND_\w+) +(.+?)\s*$/gm)) constants.set(name, value);
  return { structs, constants };
}

const now = declared(today);
const problems = [];
const work = mkdtempSync(join(tmpdir(), 'anduin-prefix-'));
let compared = 0;
try {
  for (const file of headers) {
    const then = declared(file);
    const asserts = [];
    for (const [name, value] of then.constants) {
      if (name === 'AND_ABI_MINOR') continue;  // grows
      ++compared;
      if (now.constants.get(name) !== value)
        problems.push(`${name} was ${value}, is ${now.constants.get(name) ?? 'gone'}`);
    }
    for (const [name, fields] of then.structs) {
      const newer = now.structs.get(name);
      if (!newer) {
        problems.push(`${name} is gone`);
        continue;
      }
      fields.forEach((field, i) => {
        ++compared;
        const other = newer[i];
        if (!other || other.name !== field.name || other.type !== field.type)
          problems.push(`${name}: field ${i} was '${field.type} ${field.name}', is '${other ? `${other.type} ${other.name}` : 'gone'}'`);
        else
          asserts.push(`static_assert(offsetof(then::${name}, ${field.name}) == offsetof(now::${name}, ${field.name}) && ` +
            `sizeof(then::${name}::${field.name}) == sizeof(now::${name}::${field.name}), "${name}.${field.name}");`);
      });
      asserts.push(`static_assert(sizeof(then::${name}) <= sizeof(now::${name}), "${name} has shrunk");`);
    }
    const guard = readFileSync(today, 'utf8').match(/#ifndef (\w+_H\w*)/)[1];
    const source = join(work, 'prefix.cpp');
    writeFileSync(source, ['#include <cstddef>', '#include <cstdint>', '#include <stddef.h>', '#include <stdint.h>',
      'namespace then {', `#include "${file}"`, '}', `#undef ${guard}`,
      ...[...then.constants.keys(), ...now.constants.keys(), 'ANDUIN_EXPORT'].map((c) => `#undef ${c}`),
      'namespace now {', `#include "${today}"`, '}', ...asserts, ''].join('\n'));
    try {
      execFileSync('g++', ['-std=c++20', '-fsyntax-only', '-Wall', '-Wno-invalid-offsetof', source], { stdio: 'pipe' });
    } catch (e) {
      problems.push(`${basename(file)}: ${String(e.stderr).split('\n').filter((l) => /error/.test(l)).join('\n')}`);
    }
  }
} finally {
  rmSync(work, { recursive: true });
}
for (const p of problems) console.log(p);
console.log(`${headers.length} released headers, ${compared} fields and constants, ${problems.length} problems`);
process.exit(problems.length === 0 && compared > 100 ? 0 : 1);
