// A worker of Flowable's own client: node worker.mjs HOST TOPIC NAME. It says what it hears; a job that waits goes on when that is "go on".
import readline from 'node:readline'
import flowable from '@flowable-oss/external-worker-client'

const [flowableHost, topic, workerId] = process.argv.slice(2)
const client = new flowable.ExternalWorkerClient({flowableHost, workerId, auth: {username: 'kermit', password: 'secret'}})

let goOn
readline.createInterface({input: process.stdin}).on('line', line => {
  console.log('heard', line)
  if (line === 'go on') goOn()
})

client.subscribe({
  topic, lockDuration: 'PT2S', numberOfTasks: 1, waitPeriodSeconds: 0.05,
  async callbackHandler(job, result) {
    const variables = Object.fromEntries(job.variables.map(v => [v.name, v.value]))
    switch (variables.what) {
      case 'succeed':
        return result.success()
          .variable('total', variables.order.lines.reduce((sum, l) => sum + l.price, 0), 'integer')
          .variable('large', variables.large, 'string')
          .variable('when', new Date(0), 'date')
          .variable('list', [1, {a: 'ä'}], 'json')
          .variable('done', true, 'boolean')
          .variable('half', 0.5, 'double')
      case 'say nothing':
        return
      case 'error':
        return result.bpmnError().errorCode('BAD').variable('why', 'none left', 'string')
      case 'fail':
        if (job.retries === 3) return result.failure().errorMessage('no luck').errorDetails('a trace').retries(5).retryTimeout('PT0.05S')
        if (job.retries === 5) throw new Error('without retries: one less')
        return result.success().variable('retries', job.retries, 'integer').variable('message', job.exceptionMessage, 'string')
      case 'throw':
        throw 'never'
      case 'wait': {
        const waits = new Promise(resolve => { goOn = resolve })
        console.log('busy with', job.processInstanceId)
        await waits
        return result.success().variable('by', workerId, 'string')
      }
      case 'kill':
        if (workerId === 'first') process.kill(process.pid, 'SIGKILL')
        return result.success().variable('by', workerId, 'string')
    }
  },
})
