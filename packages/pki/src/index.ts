// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

export { CertificateAuthority, type CertificateRequest, type KeyPairPem } from './certificateAuthority.ts';
