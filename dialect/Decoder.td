//===- Decoder.td - the decoder dialect, whole -------------*- tablegen -*-===//
//
// The umbrella: one include for every generator and every DRR file.
//
//===----------------------------------------------------------------------===//
#ifndef STRATA_DECODER
#define STRATA_DECODER

include "dialect/DecoderDialect.td"
include "dialect/DecoderAttrs.td"
include "dialect/DecoderInterfaces.td"
include "dialect/DecoderOps.td"
include "dialect/DecoderKernelOps.td"

#endif // STRATA_DECODER
