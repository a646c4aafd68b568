// process-engine's external tasks as they were published, over a store in memory: node server.js. It prints its address when it listens.
// The store, the users and POST /tasks are ours: the database, the identity server and the engine are not published, or do not install.
'use strict';
require('bluebird-global');
const express = require('express');
const bodyParser = require('body-parser');
const {BadRequestError, ForbiddenError, NotFoundError} = require('@essential-projects/errors_ts');
const {EventAggregator} = require('@essential-projects/event_aggregator');
const {errorHandler} = require('@essential-projects/http_extension/dist/commonjs/error_handler');
const core = require('@process-engine/consumer_api_core');
const {Endpoints} = require('@process-engine/consumer_api_http');
const {ExternalTaskService} = require('@process-engine/persistence_api.services');

const tasks = new Map();
const found = (id) => {
  if (!tasks.has(id)) throw new NotFoundError(`no external task ${id}`);
  return tasks.get(id);
};
const finish = (id, more) => Object.assign(found(id), {state: 'finished', finishedAt: new Date()}, more);
const repository = {
  getById: async (id) => ({...found(id)}),
  fetchAvailableForProcessing: async (topic, max) => {
    const free = [...tasks.values()].filter((t) => t.topic === topic && t.state === 'pending' && !(t.lockExpirationTime > new Date()));
    return free.slice(0, max > 0 ? max : undefined).map((t) => ({...t}));
  },
  lockForWorker: async (workerId, id, lockExpirationTime) => Object.assign(found(id), {workerId, lockExpirationTime}),
  finishWithError: async (id, error) => finish(id, {error}),
  finishWithSuccess: async (id, result) => finish(id, {result}),
};
const identityService = {getIdentity: async (token) => ({token, userId: Buffer.from(token, 'base64').toString()})};
const iamService = {
  ensureHasClaim: async (identity, claim) => {
    if (!identity) throw new BadRequestError('no identity');
    if (claim === 'can_access_external_tasks' && identity.userId === 'worker') return;
    throw Object.assign(new ForbiddenError('the claim is missing'), {additionalInformation: {identity, claim}});
  },
};

const {ExternalTaskController, ExternalTaskRouter, ExternalTaskRouterDeprecated} = Endpoints.ExternalTask;
const events = new EventAggregator();
const service = new core.ExternalTaskService(events, new ExternalTaskService(repository, iamService));
const controller = new ExternalTaskController(service);

async function main() {
  const app = express();
  app.use(bodyParser.json());
  for (const router of [new ExternalTaskRouter(controller, identityService), new ExternalTaskRouterDeprecated(controller, identityService)]) {
    await router.initialize();
    app.use(`/${router.baseRoute}/`, router.router);
  }
  app.post('/tasks', (request, response) => { // what the engine does: {topic, payload} -> {id}
    const id = `task-${tasks.size}`;
    tasks.set(id, {
      id, topic: request.body.topic, flowNodeInstanceId: `node-${id}`, correlationId: 'correlation', processModelId: 'model', processInstanceId: `instance-${id}`,
      identity: {token: 'secret', userId: 'starter'}, payload: request.body.payload, state: 'pending', createdAt: new Date(),
      lockExpirationTime: null, // as a database has it: moment(undefined) is now, and in the next millisecond a task that nobody has was locked
    });
    events.publish(`/externaltask/topic/${request.body.topic}/created`);
    response.json({id});
  });
  app.use(errorHandler);
  const server = app.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
}
process.stdin.on('end', () => process.exit()).resume(); // of whoever started it
main();
