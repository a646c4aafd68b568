// Drives the server with ews-javascript-api: log in, list, fetch, sync, stream, update, move.
// Arguments: URL, address, password. What is not as expected ends it with an assertion.
const assert = require('node:assert');
const ews = require('ews-javascript-api');

const [url, address, password] = process.argv.slice(2);

function connect(secret) {
  const service = new ews.ExchangeService(ews.ExchangeVersion.Exchange2013_SP1);
  service.Credentials = new ews.WebCredentials(address, secret);
  service.Url = new ews.Uri(url);
  return service;
}

const inbox = new ews.FolderId(ews.WellKnownFolderName.Inbox);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function send(service, subject) {
  const mail = new ews.EmailMessage(service);
  mail.Subject = subject;
  mail.Body = new ews.MessageBody(ews.BodyType.Text, 'text');
  mail.ToRecipients.Add(address);
  await mail.SendAndSaveCopy();
}

async function main() {
  await assert.rejects(ews.Folder.Bind(connect('not ' + password), inbox));

  const service = connect(password);
  const folder = await ews.Folder.Bind(service, ews.WellKnownFolderName.Inbox);
  assert.equal(folder.DisplayName, 'Inbox');
  assert.equal(folder.TotalCount, 1);
  const children = await service.FindFolders(ews.WellKnownFolderName.MsgFolderRoot, new ews.FolderView(100));
  assert.ok(children.Folders.some((f) => f.DisplayName === 'Sent Items'));

  const found = await service.FindItems(ews.WellKnownFolderName.Inbox, new ews.ItemView(10));
  assert.equal(found.TotalCount, 1);
  const mime = new ews.PropertySet(ews.BasePropertySet.FirstClassProperties, [ews.ItemSchema.MimeContent]);
  const first = await ews.EmailMessage.Bind(service, found.Items[0].Id, mime);
  assert.equal(first.Subject, 'Grüße');
  assert.equal(first.From.Address, 'sender@example.com');
  assert.match(Buffer.from(first.MimeContent.Content, 'base64').toString(), /^Message-Id: <first@example.com>\r$/m);

  const ids = ews.PropertySet.IdOnly;
  const sync = (state) => service.SyncFolderItems(inbox, ids, null, 100, ews.SyncFolderItemsScope.NormalItems, state);
  const before = await sync(null);
  assert.equal(before.Count, 1);
  assert.equal(before.MoreChangesAvailable, false);
  await assert.rejects(sync('bm90IGEgc3RhdGU='));

  const subscription = await service.SubscribeToStreamingNotifications([inbox], ews.EventType.NewMail, ews.EventType.Created, ews.EventType.Moved);
  await send(service, 'before the stream'); // of which the stream must say nothing
  const events = [];
  let ended;
  const end = new Promise((done) => { ended = done; });
  const connection = new ews.StreamingSubscriptionConnection(service, 1);
  connection.AddSubscription(subscription);
  connection.OnNotificationEvent.push((_, args) => events.push(...args.Events));
  connection.OnDisconnect.push((_, args) => ended(args.Exception));
  connection.Open();
  await sleep(1500);
  assert.equal(events.length, 0);
  await send(service, 'while it streams');
  const why = await end;
  assert.ok(!why, String(why));
  assert.deepEqual(events.map((e) => ews.EventType[e.EventType]).sort(), ['Created', 'NewMail']);
  const told = await ews.EmailMessage.Bind(service, events[0].ItemId, ids);
  assert.equal(told.Id.UniqueId, events[1].ItemId.UniqueId);

  const delta = await sync(before.SyncState);
  assert.equal(delta.Count, 2);
  const mail = await ews.EmailMessage.Bind(service, events[0].ItemId);
  assert.equal(mail.Subject, 'while it streams');
  mail.IsRead = true;
  await mail.Update(ews.ConflictResolutionMode.AutoResolve);
  const moved = await mail.Move(ews.WellKnownFolderName.DeletedItems);
  assert.notEqual(moved.Id.UniqueId, mail.Id.UniqueId);
  await assert.rejects(ews.EmailMessage.Bind(service, events[0].ItemId));
  console.log('done');
  process.exit(0);
}

main().catch((e) => { console.error(e); process.exit(1); });
