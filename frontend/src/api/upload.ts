/** Sending files with visible progress, which fetch cannot tell. */
import { csrfToken, type Schemas } from "./client";
import { errorFrom, NetworkError } from "./errors";

export function uploadFiles(
  slug: string,
  files: readonly File[],
  onShare: (share: number) => void,
): Promise<Schemas["ImportOutput"]> {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", `/api/v1/campaigns/${encodeURIComponent(slug)}/imports`);
  request.setRequestHeader("X-CSRFToken", csrfToken());
  request.responseType = "json";
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onShare(total > 0 ? loaded / total : 0);
    request.onerror = () => reject(new NetworkError());
    request.onload = () => {
      const body: unknown = request.response;
      if (request.status === 201) resolve(body as Schemas["ImportOutput"]);
      else reject(errorFrom(request.status, body));
    };
    request.send(form);
  });
}
