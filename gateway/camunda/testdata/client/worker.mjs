// A worker of Camunda's own client: node worker.mjs BASE_URL TOPIC [WORKER_ID [MILLISECONDS of slow tasks]]
import {Client, File, Variables} from 'camunda-external-task-client-js'

const [baseUrl, topic, workerId = 'js', slow = '0'] = process.argv.slice(2)
const client = new Client({baseUrl, workerId, maxTasks: 5, interval: 50, asyncResponseTimeout: 5000, lockDuration: 2000, maxParallelExecutions: 5})

for (const event of ['complete:error', 'handleFailure:error', 'handleBpmnError:error', 'extendLock:error', 'poll:error'])
  client.on(event, (...args) => console.log(event, String(args[args.length - 1])))

let failed = 0
client.subscribe(topic, async ({task, taskService}) => {
  const order = task.variables.get('order')
  const variables = new Variables()
  switch (task.variables.get('what')) {
    case 'succeed':
      variables.setAll({total: order.lines.reduce((sum, l) => sum + l.price, 0), when: new Date(0), done: true, list: [1, 2], text: 'ä'})
      await taskService.complete(task, variables)
      break
    case 'types': { // the types of what it has got, the content of a file, and a file
      const {when, file, large} = task.variables.getAll()
      const content = new File({localPath: 'package.json', filename: 'p.json', mimetype: 'application/json'})
      variables.setAll({isDate: when instanceof Date && when.toISOString(), text: (await file.load()).content.toString(), filename: file.filename, large, copy: await content.load(), when: new Date(1)})
      await taskService.complete(task, variables)
      break
    }
    case 'error':
      variables.set('why', 'none left')
      await taskService.handleBpmnError(task, 'BAD', 'sold out', variables)
      break
    case 'fail':
      if (failed++ < 2) {
        await taskService.handleFailure(task, {errorMessage: 'no luck', errorDetails: 'a trace', retries: 3 - failed, retryTimeout: 10})
        break
      }
      variables.set('retries', task.retries)
      await taskService.complete(task, variables)
      break
    case 'slow':
      console.log('busy with', task.processInstanceId)
      await new Promise(resolve => setTimeout(resolve, Number(slow)))
      variables.set('by', workerId)
      await taskService.complete(task, variables)
      break
    case 'extend':
      for (let n = 0; n < 4; n++) {
        await taskService.extendLock(task, 1000)
        await new Promise(resolve => setTimeout(resolve, 600))
      }
      variables.set('extended', true)
      await taskService.complete(task, variables)
      break
  }
})
console.log('ready')
