// Loaded before everything else, so that what is imported later is measured.
// Where telemetry goes is said by the environment, as with every OpenTelemetry
// SDK: see docs/howto/opentelemetry.md.
const { NodeSDK } = require('@opentelemetry/sdk-node')
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')

const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation()] })
sdk.start()

// What is still in memory goes out before the process ends.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => sdk.shutdown().finally(() => process.exit(0)))
}
