// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** A certificate with its key, PEM. They protect nothing: only tests on the loopback address serve them. */
export interface TestCertificate {
  cert: string;
  key: string;
}

/** Names 127.0.0.1, signed by itself, valid until 2120. */
export const validCertificate: TestCertificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBNTCB3KADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMTBHRlc3QwIBcN
MjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMA8xDTALBgNVBAMTBHRlc3Qw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATj9r0+2f+j24O36XtCpiH3sEQH65Ny
6LcJfnUIkjVeHY7HXdBBytbeG7a2arQV8hEkuM10OykOA1QAuvsev9opoycwJTAP
BgNVHREECDAGhwR/AAABMBIGA1UdEwEB/wQIMAYBAf8CAQEwCgYIKoZIzj0EAwID
SAAwRQIgRukPEqKCHGooDFLANqW0q6hSnPY2qa7U+fIEwPNOznwCIQDM/habLUAE
jIQQDL6T9TGNfBeR1sBQldVL3E5HTo6tWg==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgsh1YYMhXS+1NQwsT
qABT+gid377xY3CcaSGAencWbJOhRANCAATj9r0+2f+j24O36XtCpiH3sEQH65Ny
6LcJfnUIkjVeHY7HXdBBytbeG7a2arQV8hEkuM10OykOA1QAuvsev9op
-----END PRIVATE KEY-----
`,
};

/** Names 127.0.0.1, signed by itself, valid in the year 2020. */
export const expiredCertificate: TestCertificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBMzCB2qADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMTBHRlc3QwHhcN
MjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAPMQ0wCwYDVQQDEwR0ZXN0MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEChv31oqKPj63KW06AldGw8Jbgi92m5/1
hkhqENPqSmJJqHZeDKZFPKgCc48hS1aB00f1n8tqKEUcd1Dde8gB0qMnMCUwDwYD
VR0RBAgwBocEfwAAATASBgNVHRMBAf8ECDAGAQH/AgEBMAoGCCqGSM49BAMCA0gA
MEUCIFK7DbE72poOwHQdC5O51kRVag7kA7Yjz2MiQq8zimNNAiEA3rLFQFrDktvH
5VeA38ofyjJkjR/gsfSnewjLJUDmyNM=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjnXLTlT6oEk4b6rt
Cbq4Vqc+wlLFCOUvbRNTI0hMIAGhRANCAAQKG/fWioo+PrcpbToCV0bDwluCL3ab
n/WGSGoQ0+pKYkmodl4MpkU8qAJzjyFLVoHTR/Wfy2ooRRx3UN17yAHS
-----END PRIVATE KEY-----
`,
};
