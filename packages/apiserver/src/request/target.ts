// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { StatusError } from './statusError.ts';

/** Path and query of a request exactly as they came, checked to be free of tricks. */
export interface RequestTarget {
  /** Never decoded. */
  rawPath: string;
  /** Without the question mark; empty if there is none. */
  rawQuery: string;
}

/** Longest path plus query that is looked at. */
const longestTarget = 16 * 1024;

/**
 * Splits the target of a request line and refuses what two programs could read in two ways.
 *
 * @param host - value of the Host header, which the host of an absolute URL has to equal
 * @throws StatusError 400
 */
export function parseTarget(url: string, host: string | undefined): RequestTarget {
  if (url.length > longestTarget) throw bad('is too long');
  // Only what RFC 3986 lets stand in a path or query; this also ends fragments, backslashes, controls and raw UTF-8.
  if (!/^[\w\-.~!$&'()*+,;=:@%/?[\]{}|^`"<>]+$/.test(url)) throw bad('has characters that must be escaped');
  const target = withoutOrigin(url, host);
  const mark = target.indexOf('?');
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  // A path of plain characters with no dot at the start of a segment has nothing to be decoded or stepped over.
  if (!/^(?:\/(?!\.)[\w\-.~:=@+,]*)*$/.test(rawPath)) for (const segment of rawPath.split('/')) checkSegment(segment);
  return { rawPath, rawQuery: mark < 0 ? '' : target.slice(mark + 1) };
}

/** A request line may name the whole URL; then it has to be ours. */
function withoutOrigin(url: string, host: string | undefined): string {
  if (url.startsWith('/')) return url;
  const origin = /^https:\/\/([^/?@]+)(\/.*)$/i.exec(url);
  if (!origin || host === undefined || origin[1]?.toLowerCase() !== host.toLowerCase()) {
    throw bad('must be a path or a URL of the host that is spoken to');
  }
  return origin[2] ?? '/';
}

function checkSegment(segment: string): void {
  const decoded = decodeSegment(segment);
  // No API path needs an escaped dot; a program behind us that decodes once more would see a step up.
  if (/%2e/i.test(segment)) throw bad('has an escaped dot');
  for (const part of decoded.split('/')) {
    if (/^\.\.?(?:;.*)?$/.test(part)) throw bad('has a step up or in place');
  }
  for (const char of decoded) {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f || char === '\\') throw bad('has an escaped control character or backslash');
  }
}

/**
 * A path segment as text.
 *
 * @throws StatusError 400 when its escapes are not UTF-8
 */
export function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw bad('has a broken escape');
  }
}

function bad(what: string): StatusError {
  return new StatusError(400, `the path of the request ${what}`);
}
