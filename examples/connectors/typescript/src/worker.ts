import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker } from '@temporalio/worker';

import { vat } from './vat';

async function main() {
  // TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_* and Temporal's configuration file.
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: 'connector-vat', // connector- and the name of the connector
    activities: vat(process.env.VAT_URL || 'https://ec.europa.eu/taxation_customs/vies/rest-api'),
    maxConcurrentActivityTaskExecutions: 20,
    shutdownGraceTime: '20 seconds', // of SIGTERM; what has not ended by then is called again on another worker
  });
  await worker.run();
  await connection.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
