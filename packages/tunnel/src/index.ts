// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { type BackoffOptions } from './client/backoff.ts';
export { type TlsMaterial } from './client/connect.ts';
export { TunnelClient, type TunnelClientOptions, type TunnelState } from './client/tunnelClient.ts';
export { ConnectError, ProtocolError, refusals, StreamRefusedError, StreamResetError, TunnelClosedError } from './errors.ts';
export { type TunnelOptions } from './options.ts';
export { TunnelServer, type TunnelServerOptions } from './server.ts';
export { splice } from './stream/splice.ts';
export { type StreamHandler, type Tunnel } from './tunnel.ts';
export { type Clock } from './util/clock.ts';
