// Deploys a model and starts it with the requests that Camunda Modeler makes: node modeler.mjs BASE_URL FILE
import {readFile} from 'node:fs/promises'

const [url, file] = process.argv.slice(2)
const headers = {accept: 'application/json'}
const asked = await fetch(`${url}/deployment?maxResults=0`, {headers})
const {version} = await (await fetch(`${url}/version`, {headers})).json()
const form = new FormData()
form.append('deployment-name', 'order')
form.append('deployment-source', 'Camunda Modeler')
form.append('enable-duplicate-filtering', 'true')
form.append('order.bpmn', new Blob([await readFile(file)], {type: 'text/xml'}), 'order.bpmn')
form.append('order.form', new Blob(['{"components": []}']), 'order.form')
const deployed = await fetch(`${url}/deployment/create`, {method: 'POST', body: form, headers})
const {id, deployedProcessDefinitions, message} = await deployed.json()
const definition = Object.values(deployedProcessDefinitions || {})[0]
const started = definition && await fetch(`${url}/process-definition/${definition.id}/start`, {
  method: 'POST', body: JSON.stringify({businessKey: 'K', variables: {n: {type: 'Integer', value: 1}}}), headers: {'content-type': 'application/json', ...headers},
})
console.log(JSON.stringify({asked: asked.ok, version, deployed: deployed.ok, id, definition, message, instance: started && await started.json()}))
