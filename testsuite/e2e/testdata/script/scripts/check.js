if (total > 5) {
  throw new Error("too much: " + total);
}
total * 2;
