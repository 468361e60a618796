import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { root } from "../../lib/paths.ts";
import { chooseLines, readNginxLines } from "../host/nginx-lines.ts";

const read = (name: string): string => readFileSync(join(root, "compose", "nginx", name), "utf8");

/** Limits, times, where nginx writes on its read-only file system, and how it finds the replicas. */
const server = readNginxLines(String.raw`
events {
  worker_connections 1024;
}
http {
  client_body_temp_path /tmp/client-body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  map $http_x_request_id $passed_request_id {
    default $request_id;
    "~^[A-Za-z0-9_.-]{8,64}$" $http_x_request_id;
  }
  server_tokens off;
  client_max_body_size 1m;
  client_body_timeout 10s;
  client_header_timeout 10s;
  send_timeout 10s;
  keepalive_timeout 30s;
  large_client_header_buffers 4 8k;
  resolver 127.0.0.11 valid=2s ipv6=off;
  resolver_timeout 3s;
  upstream web {
    zone web 256k;
    server web:8000 resolve max_fails=0;
    keepalive 16;
    keepalive_timeout 60s;
  }
}`);

/** What browsers are told, what Django is told, and what is tried again. */
const site = readNginxLines(String.raw`
server {
  listen 8080 default_server;
  access_log /dev/stdout json_lines;
  add_header Content-Security-Policy "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'" always;
  add_header X-Content-Type-Options nosniff always;
  add_header X-Frame-Options DENY always;
  add_header Referrer-Policy same-origin always;
  add_header Cross-Origin-Opener-Policy same-origin always;
  add_header Cross-Origin-Resource-Policy same-origin always;
  add_header Permissions-Policy "camera=(), geolocation=(), microphone=(), payment=(), usb=()" always;
  add_header X-Request-ID $passed_request_id always;
  proxy_hide_header X-Content-Type-Options;
  proxy_hide_header X-Frame-Options;
  proxy_hide_header Referrer-Policy;
  proxy_hide_header Cross-Origin-Opener-Policy;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Request-ID $passed_request_id;
  proxy_set_header X-Attempt-Key $request_id;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto ${"$"}{PUBLIC_SCHEME};
  proxy_set_header X-Forwarded-Host "";
  proxy_set_header Forwarded "";
  proxy_connect_timeout 2s;
  proxy_send_timeout 10s;
  proxy_read_timeout 30s;
  proxy_next_upstream error timeout http_502 http_503 http_504;
  proxy_next_upstream_tries 3;
  proxy_next_upstream_timeout 10s;
  error_page 502 503 504 /unavailable.html;
  location = /nginx-health {
    access_log off;
    return 200 "ok\n";
  }
  location = /unavailable.html {
    internal;
    root /usr/share/nginx/html;
  }
  location = /unavailable.css {
    root /usr/share/nginx/html;
  }
  location / {
    proxy_pass http://web;
  }
}`);

describe("nginx of the cluster", () => {
  it("has these limits", () => {
    assert.deepEqual(chooseLines(readNginxLines(read("nginx.conf")), server), server);
  });

  it("tells browsers and Django this, and tries again that", () => {
    assert.deepEqual(chooseLines(readNginxLines(read("site.conf.template")), site), site);
  });
});
