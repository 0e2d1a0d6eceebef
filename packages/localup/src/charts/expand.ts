// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Puts variables into a container's argument or variable as the kubelet does: `$(NAME)` is replaced if the variable is
 * known and left as it is if not; `$$(NAME)` becomes `$(NAME)`.
 */
export function expand(text: string, variables: Record<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (whole === '$$') return '$';
    return (name !== undefined && Object.hasOwn(variables, name) ? variables[name] : undefined) ?? whole;
  });
}

/** The file that stands for an image: its key is the image's repository, or the end of it after a slash; tags do not matter. */
export function entrypointOf(image: string, entrypoints: Record<string, string>): string | undefined {
  const repository = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  const [, path] = Object.entries(entrypoints).find(([key]) => repository === key || repository.endsWith(`/${key}`)) ?? [];
  return path;
}

/** The arguments in a container's `command`: what follows the program, or the script if the program is Node. */
export function commandArguments(command: string[] = []): string[] {
  const [program = '', ...rest] = command;
  return /(^|\/)node$/.test(program) ? rest.slice(1) : rest;
}

/** `args` with `--flag=value` for each of `flags`, whatever they said of these flags before. */
export function withFlags(args: string[], flags: Record<string, string>): string[] {
  const kept: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    const [name = '', ...value] = arg.split('=');
    if (!Object.hasOwn(flags, name)) kept.push(arg);
    else if (value.length === 0 && args[index + 1]?.startsWith('-') === false) index++;
  }
  return [...kept, ...Object.entries(flags).map(([name, value]) => `${name}=${value}`)];
}

/** `text` with each mount path, as a whole path or the beginning of one, replaced by the folder that stands for it. */
export function relocate(text: string, folders: ReadonlyMap<string, string>): string {
  const paths = [...folders.keys()].sort((a, b) => b.length - a.length);
  if (paths.length === 0) return text;
  const alternatives = paths.map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  const pattern = new RegExp(`(^|[=:,\\s])(${alternatives})(?=$|[/:,\\s])`, 'g');
  return text.replace(pattern, (_whole, before: string, path: string) => before + (folders.get(path) ?? path));
}
