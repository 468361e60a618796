import { createServer } from "node:http";

const greeting = "release one";
const server = createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  response.end(
    JSON.stringify({ greeting, mode: process.env.NODE_ENV, from: request.headers["x-forwarded-for"] }),
  );
});
server.listen(process.env.PORT ?? 3000);
// Docker stops a container by SIGTERM: the requests in hand are answered first.
process.on("SIGTERM", () => server.close(() => process.exit(0)));
